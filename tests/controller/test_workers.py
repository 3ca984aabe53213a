"""What the controller makes of what its launcher sees: workers that cannot start, are killed, or that nobody wants."""
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from servicex.backends.launcher.base import FileEvent, Kill
from servicex.controller.steps import Workers
from servicex.models import FileStatus, TransformRequest, TransformResult, TransformStatus
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from tests.controller.test_steps import LIMITS, Control, files
from tests.databases import House, found

OOM = "OOMKilled: the container worker used more memory than it may"


@pytest.fixture
def control(house: House, tmp_path: Path) -> Iterator[Control]:
    yield Control(house, tmp_path)


def kill(worker: str, number: int) -> Kill:
    return Kill(worker, f"{worker} {number}", OOM)


def begin(control: Control, transform: TransformRequest, file_id: int, worker: str) -> None:
    control.house.results.event(FileEvent(transform.request_id, file_id, "start", now(), worker))
    control.house.results.flush()


def killed(control: Control, transform: TransformRequest) -> list[tuple[int, str | None]]:
    with control.house.transactions.read() as session:
        rows = session.scalars(select(FileStatus).where(FileStatus.request_id == transform.request_id,
                                                        FileStatus.status == "killed").order_by(FileStatus.id))
        return [(row.file_id, row.pod_name) for row in rows]


def failures(control: Control, transform: TransformRequest) -> dict[int, str | None]:
    with control.house.transactions.read() as session:
        rows = session.scalars(select(TransformResult).where(TransformResult.request_id == transform.request_id,
                                                             TransformResult.transform_status == "failure"))
        return {row.file_id: row.error_message for row in rows}


def test_trouble_is_waited_for(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    control.launcher.seen = {"trouble": "ImagePullBackOff", "hopeless": False}
    control.work()
    assert control.house.get(transform).status is TransformStatus.RUNNING


def test_hopeless_trouble_ends_a_transform_in_the_clusters_words(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    control.launcher.seen = {"trouble": "container transformer: ImagePullBackOff: no such image", "hopeless": True}
    control.work()
    ended = control.house.get(transform)
    assert ended.status is TransformStatus.FATAL
    assert ended.failure_description == ("No transformer could be started. container transformer: ImagePullBackOff: "
                                         "no such image")
    control.work()
    assert control.launcher.stopped == [transform.request_id]


def test_transform_with_a_report_is_not_ended_by_trouble(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    control.report(transform, control.house.file_ids(transform)[0])
    control.launcher.seen = {"trouble": "ImagePullBackOff", "hopeless": True}
    control.work()
    assert control.house.get(transform).status is TransformStatus.RUNNING


def test_kill_counts_for_the_file_that_was_in_hand(control: Control) -> None:
    transform = control.house.submit(files=files(3))
    control.work()
    first, second, _ = control.house.file_ids(transform)
    begin(control, transform, first, "pod-a")
    begin(control, transform, second, "pod-b")
    control.launcher.seen = {"kills": [kill("pod-a", 1)]}
    control.work()
    control.work()
    assert killed(control, transform) == [(first, "pod-a")] and not failures(control, transform)


def test_file_whose_workers_are_killed_too_often_is_given_up(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    first, second = control.house.file_ids(transform)
    for number, pod in enumerate(["pod-a", "pod-b"]):
        begin(control, transform, first, pod)
        control.launcher.seen = {"kills": [kill(pod, number)]}
        control.work()
    assert failures(control, transform) == {
        first: f"The worker was killed 2 times while it had this file: {OOM}."}
    control.report(transform, second)
    ended = control.house.get(transform)
    assert (ended.status, ended.files_completed, ended.files_failed) == (TransformStatus.COMPLETE, 1, 1)


def test_controller_that_is_started_anew_counts_no_kill_twice(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    begin(control, transform, control.house.file_ids(transform)[0], "pod-a")
    control.launcher.seen = {"kills": [kill("pod-a", 1)]}
    control.work()
    control.restart()
    control.work()
    assert len(killed(control, transform)) == 1 and not failures(control, transform)


def test_kill_after_the_report_counts_for_no_file(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    first, _ = control.house.file_ids(transform)
    begin(control, transform, first, "pod-a")
    control.report(transform, first)
    control.launcher.seen = {"kills": [kill("pod-a", 1)]}
    control.work()
    assert not killed(control, transform)


def test_files_of_workers_that_say_nothing_are_given_up_when_all_had_their_attempts(control: Control) -> None:
    """A sidecar does not tell which file it begins: two workers, two files, two attempts each."""
    transform = control.house.submit(files=files(2))
    control.work()
    for number in range(3):
        control.launcher.seen = {"kills": [kill("pod-a", n) for n in range(number + 1)]}
        control.work()
        assert not failures(control, transform)
    control.launcher.seen = {"kills": [kill("pod-a", n) for n in range(4)]}
    control.work()
    assert len(failures(control, transform)) == 2
    ended = control.house.get(transform)
    assert ended.status is TransformStatus.FATAL
    assert OOM in (ended.failure_description or "")


def test_results_start_that_count_anew(control: Control) -> None:
    transform = control.house.submit(files=files(3))
    control.work()
    control.launcher.seen = {"kills": [kill("pod-a", n) for n in range(3)]}
    control.work()
    control.report(transform, control.house.file_ids(transform)[0])
    control.launcher.seen = {"kills": [kill("pod-a", n) for n in range(6)]}
    control.work()
    assert not failures(control, transform)


def test_workers_that_nobody_wants_are_stopped(control: Control) -> None:
    running, ended = control.house.submit(files=files(1)), control.house.submit(files=files(1))
    control.work()
    control.house.transforms.cancel(SINGLE_USER, ended.request_id)
    control.work()
    left = control.launcher.started[running.request_id]
    for request_id in (ended.request_id, "of-a-database-that-was-dropped"):
        control.launcher.started[request_id] = left
    control.steps.sweep()
    assert list(control.launcher.started) == [running.request_id]


@pytest.mark.parametrize("limits, asked, expected", [
    (Workers(20), None, 6),
    (Workers(4), None, 4),
    (Workers(20), 2, 2),
    (Workers(20), 50, 6),
    (Workers(20, fewest=8), None, 8),
    (Workers(20, fewest=3), 1, 3),
])
def test_number_of_workers(house: House, tmp_path: Path, limits: Workers, asked: int | None, expected: int) -> None:
    control = Control(house, tmp_path, replace(LIMITS, workers=limits))
    transform = house.submit(files=files(6), workers=asked)
    control.work()
    assert control.launcher.workers[transform.request_id] == expected


@pytest.mark.parametrize("follow, expected", [(True, 3), (False, 2)])
def test_more_workers_come_as_files_are_found(house: House, tmp_path: Path, follow: bool, expected: int) -> None:
    control = Control(house, tmp_path, replace(LIMITS, workers=Workers(10, follow_files=follow)))
    transform = house.submit(did="test://d")
    control.work()
    house.datasets.files(transform.did_id, found("/a", "/b"))
    control.work()
    house.datasets.files(transform.did_id, found("/c"))
    control.work()
    assert control.launcher.workers[transform.request_id] == expected
