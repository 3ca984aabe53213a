"""The controller's steps: what it publishes, launches, gives up and clears away."""
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from servicex.backends.broker.base import work_queue
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.launcher.base import FileReport, Launcher, TransformJob, WorkersStatus
from servicex.backends.object_store.local import LocalObjectStore
from servicex.controller.kills import KillAccounting
from servicex.controller.loop import Controller, Wakeup
from servicex.controller.steps import Limits, TransformSteps, Workers
from servicex.errors import ServiceXError, Unavailable
from servicex.models import TransformControl, TransformRequest, TransformStatus
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from servicex.services.control import LEASE, ControlService, LeaseLost
from servicex.services.kills import KillService
from tests.databases import House, found

LIMITS = Limits(workers=Workers(4), publish_chunk=3, publish_ahead=6, stall_seconds=300, stall_rounds=2,
                transform_seconds=1000)


class Idle(Launcher):
    """Starts workers that do nothing, and remembers what was asked of it; `trouble` is raised instead.

    `seen` is what it says of all workers.
    """

    def __init__(self) -> None:
        self.started: dict[str, TransformJob] = {}
        self.workers: dict[str, int] = {}
        self.stopped: list[str] = []
        self.trouble: Exception | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.seen: dict[str, Any] = {}

    def start(self, job: TransformJob, workers: int) -> None:
        if self.trouble:
            raise self.trouble
        self.started[job.request_id] = job
        self.workers[job.request_id] = workers

    def scale(self, request_id: str, workers: int) -> None:
        self.workers[request_id] = workers

    def status(self, request_id: str) -> WorkersStatus | None:
        return WorkersStatus(self.workers[request_id], **self.seen) if request_id in self.started else None

    def logs(self, request_id: str, tail: int) -> str:
        return ""

    def stop(self, request_id: str) -> None:
        self.stopped.append(request_id)
        if self.meanwhile:
            self.meanwhile()
        self.started.pop(request_id, None)

    def request_ids(self) -> list[str]:
        return list(self.started)

    def close(self) -> None:
        self.started.clear()


class Control:
    """A controller whose passes the test makes, with what it works on."""

    def __init__(self, house: House, folder: Path, limits: Limits = LIMITS):
        self.house = house
        self.broker = InProcessBroker()
        self.launcher = Idle()
        self.store = LocalObjectStore(folder / "results", b"a secret of this test")
        self.limits = limits
        self.restart()

    def restart(self) -> None:
        self.steps = TransformSteps(self.house.control, self.house.results, self.broker, self.launcher,
                                    {"object-store": self.store}, lambda request_id: f"at/{request_id}", self.limits,
                                    KillAccounting(KillService(self.house.transactions), self.house.results, 2))
        self._controller = Controller(self.house.control, self.house.datasets, self.house.results,
                                      self.steps, Wakeup(),
                                      1.0, 60.0, 2)

    def work(self) -> None:
        self._controller.pass_once()

    def depth(self, transform: TransformRequest) -> int | None:
        return self.broker.depth(work_queue(transform.request_id))

    def take(self, transform: TransformRequest, count: int = 100) -> list[int]:
        """Take messages from the queue as workers do, and give their file ids."""
        taken = []
        while len(taken) < count and self.depth(transform):
            message = self.broker.take(work_queue(transform.request_id))
            assert message is not None and message.request_id == transform.request_id
            taken.append(message.file_id)
        return taken

    def report(self, transform: TransformRequest, *file_ids: int) -> None:
        for file_id in file_ids:
            self.house.results.report(FileReport(transform.request_id, file_id, "success", "/a", 1.0, 1, "h",
                                                 object_name=f"o{file_id}", object_size=1))


@pytest.fixture
def control(house: House, tmp_path: Path) -> Iterator[Control]:
    yield Control(house, tmp_path)


def files(count: int) -> list[str]:
    return [f"/{n}" for n in range(count)]


def test_list_is_published_and_workers_are_launched(control: Control) -> None:
    transform = control.house.submit(files=files(5))
    control.work()
    assert control.take(transform) == control.house.file_ids(transform)
    job = control.launcher.started[transform.request_id]
    assert job.files == {"echo.py": b"x"} and job.result_format == "root-file"
    assert control.launcher.workers[transform.request_id] == 4


def test_no_more_waits_in_the_queue_than_allowed(control: Control) -> None:
    transform = control.house.submit(files=files(20))
    seen: list[int] = []
    for _ in range(10):
        control.work()
        assert (control.depth(transform) or 0) < LIMITS.publish_ahead + LIMITS.publish_chunk
        seen += control.take(transform, 3)
    assert seen == control.house.file_ids(transform), "each once, in the order of their ids"


def test_files_are_published_as_they_are_found(control: Control) -> None:
    transform = control.house.submit(did="test://d")
    control.work()
    assert control.house.finder.asked == [transform.did_id] and not control.launcher.started
    control.house.datasets.files(transform.did_id, found("/a", "/b"))
    control.work()
    first = control.take(transform)
    control.report(transform, *first)
    control.work()
    control.house.datasets.files(transform.did_id, found("/c"))
    control.house.datasets.complete(transform.did_id)
    control.work()
    assert first + control.take(transform) == control.house.file_ids(transform)


def test_workers_are_no_more_than_files_left_or_asked(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.work()
    assert control.launcher.workers[transform.request_id] == 2
    control.report(transform, control.house.file_ids(transform)[0])
    control.work()
    assert control.launcher.workers[transform.request_id] == 1


def test_lost_queue_is_made_again_with_what_is_open(control: Control) -> None:
    transform = control.house.submit(files=files(5))
    control.work()
    ids = control.take(transform)
    control.report(transform, ids[0], ids[3])
    control.broker.delete(work_queue(transform.request_id))
    control.work()
    assert control.take(transform) == [ids[1], ids[2], ids[4]]


def test_worker_that_made_the_queue_first_finds_a_place_for_results(control: Control) -> None:
    transform = control.house.submit(files=files(2))
    control.broker.declare(work_queue(transform.request_id))
    control.work()
    assert control.store.exists(transform.request_id)
    assert control.take(transform) == control.house.file_ids(transform)


def test_silence_while_no_file_is_open_is_none(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, replace(LIMITS, stall_seconds=0.0))
    transform = house.submit(did="test://d")
    control.work()
    house.datasets.files(transform.did_id, found("/a", "/b"))
    control.work()
    control.report(transform, *control.take(transform))
    with house.transactions.write() as session:
        session.execute(update(TransformRequest).values(max_time=0.0))
    for _ in range(3):
        control.work()
    with house.transactions.read() as session:
        notes = session.get_one(TransformControl, transform.id)
    assert (notes.stalled_rounds, notes.published_through) == (0, max(house.file_ids(transform)))


def test_silence_publishes_again_and_ends_with_the_files_failed(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, replace(LIMITS, stall_seconds=0.0))
    transform = house.submit(files=files(3))
    control.work()
    ids = control.take(transform)
    control.report(transform, ids[0])
    with house.transactions.write() as session:
        # As if the file had taken no time, so that three times it is none, and was reported before the last round.
        session.execute(update(TransformRequest).values(max_time=0.0))
    rounds = []
    for _ in range(8):
        control.work()
        rounds += control.take(transform)
    assert rounds == ids[1:] * LIMITS.stall_rounds
    ended = house.get(transform)
    assert (ended.status, ended.files_completed, ended.files_failed) == (TransformStatus.COMPLETE, 1, 2)
    assert "No worker ever reported" in (next(house.transforms.failures(SINGLE_USER, transform.request_id))[0]
                                         .error_message or "")


def test_slow_backlog_is_never_doubled(control: Control) -> None:
    transform = control.house.submit(files=files(5))
    for _ in range(5):
        control.work()
    assert len(control.take(transform)) == 5
    control.work()
    assert control.depth(transform) == 0


def test_ended_transform_is_cleared_away_once(control: Control) -> None:
    transform = control.house.submit(files=files(1))
    control.work()
    control.report(transform, *control.take(transform))
    for _ in range(3):
        control.work()
    assert control.house.get(transform).status is TransformStatus.COMPLETE
    assert control.launcher.stopped == [transform.request_id]
    assert control.depth(transform) is None


@pytest.mark.parametrize("did", [None, "test://d"])
def test_cancelled_transform_is_cleared_away_in_every_state(control: Control, did: str | None) -> None:
    transform = control.house.submit(did=did, files=None if did else files(3))
    control.work()
    control.house.transforms.cancel(SINGLE_USER, transform.request_id)
    control.work()
    assert control.launcher.stopped == [transform.request_id] and not control.launcher.started
    assert control.depth(transform) is None


def test_queue_that_was_made_after_the_end_is_swept(control: Control) -> None:
    """By a controller that had not heard of the end, or a worker that was slow to stop."""
    transform = control.house.submit(files=files(3))
    control.work()
    control.house.transforms.cancel(SINGLE_USER, transform.request_id)
    control.work()
    control.broker.declare(work_queue(transform.request_id))
    control.work()
    assert control.depth(transform) == 0 and len(control.launcher.stopped) == 1, "not before a lease is over"
    long_ago = now() - LEASE
    with control.house.transactions.write() as session:
        session.execute(update(TransformRequest).values(finish_time=long_ago))
        session.execute(update(TransformControl).values(next_step_at=long_ago))
    control.work()
    assert control.depth(transform) is None
    with control.house.transactions.read() as session:
        assert session.get_one(TransformControl, transform.id).torn_down


def unavailable() -> None:
    raise Unavailable("The cluster is away.")


@pytest.mark.parametrize("ended", [timedelta(0), LEASE], ids=["just now", "long ago"])
@pytest.mark.parametrize("after", [lambda: None, unavailable], ids=["done", "failed"])
def test_deletion_while_an_ended_transform_is_cleared_away_is_not_forgotten(
        control: Control, ended: timedelta, after: Callable[[], None]) -> None:
    """The step under way knows nothing of it, and must not say when the next one is due."""
    transform = control.house.submit(files=files(3))
    control.work()
    control.house.transforms.cancel(SINGLE_USER, transform.request_id)
    with control.house.transactions.write() as session:
        session.execute(update(TransformRequest).values(finish_time=now() - ended))

    def delete() -> None:
        control.launcher.meanwhile = None
        control.house.transforms.delete(SINGLE_USER, transform.request_id)
        after()
    control.launcher.meanwhile = delete
    control.work()
    control.work()
    assert not control.store.exists(transform.request_id)
    with control.house.transactions.read() as session:
        assert session.get(TransformRequest, transform.id) is None


def test_deadline_ends_a_transform(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, replace(LIMITS, transform_seconds=0.0))
    transform = house.submit(did="test://never")
    control.work()
    control.work()
    ended = house.get(transform)
    assert (ended.status, ended.failure_description) == (TransformStatus.FATAL, "Not done within 0 seconds.")


def test_failed_step_is_tried_again_later_and_holds_up_no_other(control: Control) -> None:
    transform, other = control.house.submit(files=files(1)), control.house.submit(files=files(2))
    control.launcher.trouble = Unavailable("no machines")
    control.work()
    with control.house.transactions.read() as session:
        notes = {c.transform_id: c for c in session.query(TransformControl)}
    assert notes[transform.id].last_error == "no machines" and notes[transform.id].next_step_at
    assert notes[other.id].last_error == "no machines"
    control.launcher.trouble = None
    with control.house.transactions.write() as session:
        session.execute(update(TransformControl).values(next_step_at=None))
    control.work()
    assert set(control.launcher.started) == {transform.request_id, other.request_id}


def test_deleted_transform_leaves_nothing(control: Control, tmp_path: Path) -> None:
    transform = control.house.submit(files=files(1))
    control.work()
    source = tmp_path / "result"
    source.write_bytes(b"x")
    control.store.put(transform.request_id, "o1", source)
    control.report(transform, *control.take(transform))
    control.house.transforms.delete(SINGLE_USER, transform.request_id)
    control.work()
    assert list(control.store.objects(transform.request_id)) == []
    with control.house.transactions.read() as session:
        assert session.get(TransformRequest, transform.id) is None


def test_two_controllers_do_not_step_the_same_transform(house: House) -> None:
    transform = house.submit(files=files(1))
    mine, other = house.control, ControlService(house.transactions)
    assert mine.claim(transform.id) and mine.claim(transform.id)
    assert other.claim(transform.id) is None
    other.take_over()
    assert other.claim(transform.id)


def test_restarts_without_progress_fail_no_file(house: House, tmp_path: Path) -> None:
    """A server that was away for longer than its patience, again and again, hands the files out again."""
    control = Control(house, tmp_path, replace(LIMITS, stall_seconds=0.0))
    transform = house.submit(files=files(3))
    for _ in range(6):
        control.work()
        assert control.take(transform) == house.file_ids(transform)
        control.broker.delete(work_queue(transform.request_id))
    assert house.get(transform).files_failed == 0


def test_only_files_that_were_handed_out_are_given_up(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, replace(LIMITS, stall_seconds=0.0, publish_ahead=2))
    transform = house.submit(files=files(9))
    for _ in range(2 * LIMITS.stall_rounds + 2):
        control.work()
        control.take(transform)
    failed = {result.file_id for result, *_ in house.transforms.failures(SINGLE_USER, transform.request_id)}
    assert failed == set(house.file_ids(transform)[:LIMITS.publish_chunk])
    assert house.get(transform).status is TransformStatus.RUNNING


def test_cancel_while_files_are_given_up_ends_the_pass(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path, replace(LIMITS, stall_seconds=0.0, stall_rounds=0))
    transform = house.submit(files=files(5))
    control.work()
    control.take(transform)
    report, cancelled = house.results.report, []

    def cancel_then_report(one: FileReport) -> None:
        if not cancelled:
            cancelled.append(house.transforms.cancel(SINGLE_USER, transform.request_id))
        report(one)
    house.results.report = cancel_then_report  # type: ignore[method-assign]
    control.work()
    control.work()
    assert house.get(transform).status is TransformStatus.CANCELED
    assert control.launcher.stopped == [transform.request_id]


def test_cancel_does_not_wait_for_a_step_that_is_held_off(control: Control) -> None:
    transform = control.house.submit(files=files(1))
    control.launcher.trouble = Unavailable("no machines")
    for _ in range(3):
        control.work()
    control.house.transforms.cancel(SINGLE_USER, transform.request_id)
    control.work()
    assert control.launcher.stopped == [transform.request_id]


def test_step_that_can_never_succeed_ends_the_transform_with_the_reason(control: Control) -> None:
    transform = control.house.submit(files=files(1))
    control.launcher.trouble = ServiceXError("The program has an impossible file name.")
    control.work()
    ended = control.house.get(transform)
    assert ended.status is TransformStatus.FATAL and "impossible file name" in (ended.failure_description or "")


def test_controller_that_lost_its_lease_makes_nothing(house: House, tmp_path: Path) -> None:
    control = Control(house, tmp_path)
    transform = house.submit(files=files(1))
    late = house.control.claim(transform.id)
    assert late is not None
    house.transforms.cancel(SINGLE_USER, transform.request_id)
    control.work()
    with pytest.raises(LeaseLost):
        control.steps.step(late)
    assert control.depth(transform) is None and not control.launcher.started


def test_stale_dataset_that_nobody_needs_expires(house: House) -> None:
    used, unused = house.submit(files=["/a"]), house.submit(files=["/b"])
    for transform in (used, unused):
        house.datasets.delete(SINGLE_USER, transform.did_id)
    house.transforms.cancel(SINGLE_USER, unused.request_id)
    claimed = house.control.claim(unused.id)
    assert claimed is not None
    house.control.remove(claimed)
    house.control.expire_datasets(timedelta(hours=1))
    assert len(list(house.datasets.list(SINGLE_USER, None, show_deleted=True))) == 2
    house.control.expire_datasets(timedelta(0))
    assert [d.id for d in house.datasets.list(SINGLE_USER, None, show_deleted=True)] == [used.did_id]


def test_sizes_that_transformers_do_not_tell_are_asked_of_the_store(control: Control, tmp_path: Path) -> None:
    transform = control.house.submit(files=files(3))
    control.work()
    for number, file_id in enumerate(control.take(transform)):
        (tmp_path / "made").write_bytes(b"x" * (10 + number))
        control.store.put(transform.request_id, f"o{number}", tmp_path / "made")
        control.house.results.report(FileReport(transform.request_id, file_id, "success", "/a", 1.0, 1, "h",
                                                object_name=f"o{number}"))
    control.work()
    sizes = [row.object_size for row in control.house.transforms.results(SINGLE_USER, transform.request_id)]
    assert sizes == [10, 11, 12]
    control.work()
    assert control.house.get(transform).total_bytes == 33, "counted once"


@pytest.mark.parametrize("missing, left", [(False, {"o0", "o1"}), (True, {"o1", "orphan"})])
def test_objects_that_are_no_result_are_removed(control: Control, tmp_path: Path, missing: bool,
                                                left: set[str]) -> None:
    """Unless a result is not there: then the names may be other ones than we think."""
    transform = control.house.submit(files=files(2))
    control.work()
    for number, file_id in enumerate(control.take(transform)):
        control.house.results.report(FileReport(transform.request_id, file_id, "success", "/a", 1.0, 1, "h",
                                                object_name=f"o{number}", object_size=0))
    for name in ("o1", "orphan") if missing else ("o0", "o1", "orphan"):
        (tmp_path / "made").touch()
        control.store.put(transform.request_id, name, tmp_path / "made")
    control.work()
    with control.house.transactions.write() as session:
        session.execute(update(TransformRequest).values(finish_time=now() - LEASE))
        session.execute(update(TransformControl).values(next_step_at=None))
    control.work()
    assert {found.key for found in control.store.objects(transform.request_id)} == left
