"""More transforms than may be active: all are accepted, wait for their turn, and cost a pass nothing meanwhile."""
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event, update

from servicex.models import TransformControl, TransformRequest, TransformStatus
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from servicex.services.control import ControlService
from tests.controller.test_steps import LIMITS, Control
from tests.databases import House, found

FEW = replace(LIMITS, active=3)


def begun(control: Control, transforms: list[TransformRequest]) -> list[int]:
    """Which of the transforms have workers, by their place in the list."""
    return [place for place, transform in enumerate(transforms) if transform.request_id in control.launcher.started]


def finish(control: Control, transform: TransformRequest) -> None:
    control.report(transform, *control.house.file_ids(transform))


def test_transforms_are_begun_in_order_as_others_end(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, FEW)
    transforms = [house.submit(files=["/a"]) for _ in range(7)]
    control.work()
    assert begun(control, transforms) == [0, 1, 2]
    assert {house.get(t).status for t in transforms} == {TransformStatus.RUNNING}
    finish(control, transforms[1])
    control.work()
    assert begun(control, transforms) == [0, 2, 3]
    house.transforms.cancel(SINGLE_USER, transforms[5].request_id)
    for done in (0, 2, 3):
        finish(control, transforms[done])
    control.work()
    assert begun(control, transforms) == [4, 6]


def test_one_that_was_begun_keeps_its_place(house: House, tmp_path: Path) -> None:
    """An older one whose files are found late takes no workers away, and one whose step failed takes none meanwhile."""
    control = Control(house, tmp_path, FEW)
    late = house.submit(did="test://late")
    transforms = [house.submit(files=["/a"]) for _ in range(4)]
    control.work()
    assert begun(control, transforms) == [0, 1, 2]
    house.datasets.files(late.did_id, found("/x"))
    with house.transactions.write() as session:
        session.execute(update(TransformControl).where(TransformControl.transform_id == transforms[0].id).values(
            next_step_at=now() + timedelta(hours=1)))
    control.work()
    assert begun(control, [*transforms, late]) == [0, 1, 2]
    finish(control, transforms[1])
    control.work()
    assert begun(control, [*transforms, late]) == [0, 2, 4]


def test_two_controllers_together_begin_no_more(house: House) -> None:
    transforms = [house.submit(files=["/a"]) for _ in range(6)]
    controllers = [house.control, ControlService(house.transactions)]
    for controller in controllers * 2:
        work = controller.work(3, 1000)
        assert work.active == [t.id for t in transforms[:3]] and not work.more
        controller.claim(work.active[0])
    house.transforms.cancel(SINGLE_USER, transforms[0].request_id)
    assert [c.work(3, 1000).ended for c in controllers] == [[transforms[0].id], []], "the other one holds no lease"


def test_those_that_wait_end_at_their_deadline_too(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, replace(FEW, active=1, transform_seconds=100))
    transforms = [house.submit(files=["/a"]), house.submit(files=["/a"]), house.submit(did="test://silent")]
    with house.transactions.write() as session:
        session.execute(update(TransformRequest).where(TransformRequest.id.in_([t.id for t in transforms[1:]])).values(
            submit_time=now() - timedelta(seconds=200)))
    for _ in range(2):
        control.work()
    assert [house.get(t).status for t in transforms[1:]] == [TransformStatus.FATAL] * 2
    assert house.get(transforms[0]).status is TransformStatus.RUNNING


def test_many_that_end_at_once_are_cleared_away_over_several_passes(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, FEW)
    transforms = [house.submit(files=["/a"]) for _ in range(7)]
    for transform in transforms:
        house.transforms.cancel(SINGLE_USER, transform.request_id)
    assert house.control.work(3, 1000).more
    for expected in (3, 6, 7):
        control.work()
        assert len(control.launcher.stopped) == expected
    assert not house.control.work(3, 1000).more


def test_pass_costs_what_is_active_not_what_waits(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, FEW)
    statements: list[str] = []
    event.listen(house.transactions._reading, "before_cursor_execute",
                 lambda connection, cursor, statement, *_: statements.append(statement))
    costs = []
    for number in (5, 50):
        for _ in range(number):
            house.submit(files=["/a"])
        control.work()
        statements.clear()
        control.work()
        costs.append(len(statements))
    assert costs[0] == costs[1] > 0
