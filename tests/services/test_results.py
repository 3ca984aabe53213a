"""The accounting: a file is counted once, whatever is reported and in whatever order."""
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, func, select

from servicex.backends.launcher.base import Failure, FileEvent, FileReport
from servicex.errors import NotFound, Unavailable
from servicex.models import FileStatus, TransformRequest, TransformStatus
from servicex.services.accounting import Waiting
from servicex.services.caller import SINGLE_USER
from servicex.services.results import ResultService
from tests.databases import House, found

FILES = ["/a", "/b", "/c", "/d"]


def success(transform: TransformRequest, file_id: int, size: int = 100) -> FileReport:
    return FileReport(transform.request_id, file_id, "success", "/a", 2.0, 1, "host", total_events=50,
                      object_name=f"o{file_id}", object_size=size)


def failure(transform: TransformRequest, file_id: int, cause: str = "KeyError") -> FileReport:
    return FileReport(transform.request_id, file_id, "failure", "/a", 1.0, 3, "host",
                      failure=Failure(cause, f"{cause} happened", "trace", "log"))


def counts(house: House, transform: TransformRequest) -> tuple[int, int, int]:
    now = house.get(transform)
    return now.files, now.files_completed, now.files_failed


@contextmanager
def commits_held_up(service: ResultService) -> Iterator[None]:
    """Have reports gather."""
    service._committing = True
    yield
    with service._changed:
        service._committing = False
        service._changed.notify_all()


def test_repeated_report_counts_once(house: House) -> None:
    transform = house.submit(files=FILES)
    first = house.file_ids(transform)[0]
    for _ in range(3):
        house.results.report(success(transform, first))
    assert counts(house, transform) == (4, 1, 0)
    assert len(list(house.transforms.results(SINGLE_USER, transform.request_id))) == 1


def test_success_takes_the_place_of_a_failure_and_is_never_beaten(house: House) -> None:
    transform = house.submit(files=FILES)
    first = house.file_ids(transform)[0]
    house.results.report(failure(transform, first))
    assert counts(house, transform) == (4, 0, 1)
    earlier = next(house.transforms.results(SINGLE_USER, transform.request_id)).created_at
    house.results.report(success(transform, first))
    house.results.report(failure(transform, first))
    assert counts(house, transform) == (4, 1, 0)
    row = next(house.transforms.results(SINGLE_USER, transform.request_id))
    assert (row.transform_status, row.error_class, row.object_size) == ("success", None, 100)
    assert row.created_at > earlier, "clients page by this time: a result that changed must come again"


def test_unknown_file_and_unknown_transform_are_refused(house: House) -> None:
    transform, other = house.submit(files=FILES), house.submit(files=["/x"])
    with pytest.raises(NotFound):
        house.results.report(success(transform, house.file_ids(other)[0]))
    with pytest.raises(NotFound):
        house.results.report(FileReport("nobody", 1, "success", "/a", 1.0, 1, "host"))
    assert counts(house, transform) == (4, 0, 0)


def test_report_after_cancel_changes_nothing(house: House) -> None:
    transform = house.submit(files=FILES)
    house.transforms.cancel(SINGLE_USER, transform.request_id)
    house.results.report(success(transform, house.file_ids(transform)[0]))
    assert house.get(transform).status is TransformStatus.CANCELED
    assert counts(house, transform) == (4, 0, 0)


def test_some_failures_end_complete(house: House) -> None:
    transform = house.submit(files=FILES)
    *bad, good = house.file_ids(transform)
    for file_id in bad:
        house.results.report(failure(transform, file_id))
        assert house.get(transform).status is TransformStatus.RUNNING
    house.results.report(success(transform, good))
    ended = house.get(transform)
    assert (ended.status, ended.files_failed, ended.files_remaining) == (TransformStatus.COMPLETE, 3, 0)
    assert ended.finish_time is not None


def test_no_success_ends_fatal_with_the_commonest_cause(house: House) -> None:
    transform = house.submit(files=FILES)
    causes = ["ValueError", "KeyError", "KeyError", "KeyError"]
    for file_id, cause in zip(house.file_ids(transform), causes, strict=True):
        house.results.report(failure(transform, file_id, cause))
    ended = house.get(transform)
    assert ended.status is TransformStatus.FATAL
    assert ended.failure_description == "All 4 files failed (3 of them like this): KeyError: KeyError happened"


def test_not_complete_before_the_dataset_is(house: House) -> None:
    transform = house.submit(did="test://d")
    house.begin_lookups()
    house.datasets.files(transform.did_id, found("/a", "/b"))
    for file_id in house.file_ids(transform):
        house.results.report(success(transform, file_id))
    assert house.get(transform).status is TransformStatus.LOOKUP
    house.datasets.files(transform.did_id, found("/c"))
    house.datasets.complete(transform.did_id)
    assert house.get(transform).status is TransformStatus.RUNNING
    house.results.report(success(transform, house.file_ids(transform)[-1]))
    assert house.get(transform).status is TransformStatus.COMPLETE


def test_complete_when_the_lookup_ends_after_the_last_report(house: House) -> None:
    transform = house.submit(did="test://d")
    house.begin_lookups()
    house.datasets.files(transform.did_id, found("/a"))
    house.results.report(success(transform, house.file_ids(transform)[0]))
    house.datasets.complete(transform.did_id)
    assert house.get(transform).status is TransformStatus.COMPLETE


def test_times_of_results_increase_strictly_under_concurrency(house: House) -> None:
    transform = house.submit(files=[f"/{n}" for n in range(200)])
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda i: house.results.report(success(transform, i)), house.file_ids(transform) * 2))
    times = [r.created_at for r in house.transforms.results(SINGLE_USER, transform.request_id)]
    assert len(set(times)) == 200 and times == sorted(times)
    ended = house.get(transform)
    assert (ended.files_completed, ended.status) == (200, TransformStatus.COMPLETE)
    assert (ended.total_events, ended.total_bytes, ended.total_time) == (200 * 50, 200 * 100, 400.0)


def test_results_from_a_time_on_include_that_time(house: House) -> None:
    transform = house.submit(files=FILES)
    for file_id in house.file_ids(transform):
        house.results.report(success(transform, file_id))
    rows = list(house.transforms.results(SINGLE_USER, transform.request_id))
    again = list(house.transforms.results(SINGLE_USER, transform.request_id, rows[2].created_at))
    assert [r.id for r in again] == [r.id for r in rows[2:]]
    assert len(list(house.transforms.results(SINGLE_USER, transform.request_id, limit=2))) == 2


def test_reports_that_wait_are_committed_together(house: House) -> None:
    """While one commit is held up, fifty reports gather; they take one transaction, not fifty."""
    transform = house.submit(files=[f"/{n}" for n in range(51)])
    ids = house.file_ids(transform)
    commits: list[int] = []
    engine = house.transactions._writing
    event.listen(engine, "commit", lambda connection: commits.append(1))
    threads = [threading.Thread(target=house.results.report, args=(success(transform, i),)) for i in ids]
    with commits_held_up(house.results):
        for thread in threads:
            thread.start()
        while len(house.results._waiting) < len(ids):
            pass
    for thread in threads:
        thread.join()
    assert len(commits) == 1
    assert house.get(transform).status is TransformStatus.COMPLETE


def test_reports_that_come_all_the_time_share_their_commits(house: House) -> None:
    transform = house.submit(files=[f"/{n}" for n in range(200)])
    commits: list[int] = []
    event.listen(house.transactions._writing, "commit", lambda connection: commits.append(1))
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda one: house.results.report(success(transform, one)), house.file_ids(transform)))
    assert house.get(transform).status is TransformStatus.COMPLETE
    assert len(commits) < 100


def test_a_report_that_cannot_be_stored_harms_no_other(house: House) -> None:
    transform = house.submit(files=FILES)
    first, second, *_ = house.file_ids(transform)
    poison = FileReport(transform.request_id, first, "success", "/a", 1.0, 1, "host", object_size=10 ** 30)
    errors: list[Exception] = []

    def report(one: FileReport) -> None:
        try:
            house.results.report(one)
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=report, args=(r,)) for r in (poison, success(transform, second))]
    with commits_held_up(house.results):
        for thread in threads:
            thread.start()
        while len(house.results._waiting) < 2:
            pass
    for thread in threads:
        thread.join()
    assert len(errors) == 1
    assert counts(house, transform) == (4, 1, 0)


def test_events_become_rows_with_the_head_of_the_trace(house: House) -> None:
    transform = house.submit(files=FILES)
    first = house.file_ids(transform)[0]
    at = datetime.now(UTC)
    house.results.event(FileEvent(transform.request_id, first, "start", at, "host"))
    house.results.event(FileEvent(transform.request_id, first, "failure", at, "host", "t" * 5000))
    house.results.event(FileEvent("deleted-meanwhile", first, "start", at, "host"))
    house.results.flush()
    with house.transactions.read() as session:
        rows = session.scalars(select(FileStatus).order_by(FileStatus.id)).all()
        assert session.scalar(select(func.count()).select_from(FileStatus)) == 2
    assert [(r.status, r.pod_name, r.timestamp) for r in rows] == [("start", "host", at), ("failure", "host", at)]
    assert rows[1].info == "t" * 2048


def test_bad_event_takes_no_report_with_it(house: House) -> None:
    transform = house.submit(files=FILES)
    house.results.event(FileEvent(transform.request_id, 10 ** 6, "start", datetime.now(UTC), "host"))
    house.results.report(success(transform, house.file_ids(transform)[0]))
    assert counts(house, transform) == (4, 1, 0)


def test_number_of_the_row_is_no_name_for_reports(house: House) -> None:
    transform = house.submit(files=FILES)
    with pytest.raises(NotFound):
        house.results.report(FileReport(str(transform.id), house.file_ids(transform)[0], "success", "/a", 1.0, 1, "h"))


def test_sums_of_a_failure_that_became_a_success_count_once(house: House) -> None:
    transform = house.submit(files=FILES)
    first = house.file_ids(transform)[0]
    house.results.report(replace(failure(transform, first), total_events=7))
    house.results.report(success(transform, first))
    statistics = house.transforms.statistics(house.get(transform))
    assert statistics is not None and (statistics.total_time, statistics.avg_time) == (2.0, 2.0)
    assert (statistics.total_events, statistics.total_bytes) == (50, 100)


def test_database_that_is_away_is_said_to_all_who_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    transform = house.submit(files=FILES)

    def away(*_: object) -> None:
        raise Unavailable("away")
    monkeypatch.setattr(house.results, "_store", away)
    with pytest.raises(Unavailable):
        house.results.report(success(transform, house.file_ids(transform)[0]))


def test_two_committers_do_not_wait_for_each_other_in_a_circle(house: House) -> None:
    transform = house.submit(files=[f"/{n}" for n in range(60)])
    ids = house.file_ids(transform)
    committers = [house.results, ResultService(house.transactions, house.wake)]

    def work(number: int) -> None:
        committer = committers[number % 2]
        committer.event(FileEvent(transform.request_id, ids[number], "finish", datetime.now(UTC), "host"))
        committer.report(success(transform, ids[number]))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(60)))
    assert house.get(transform).status is TransformStatus.COMPLETE


def test_many_reports_tell_for_each_whether_it_is_accounted_for(house: House) -> None:
    transform = house.submit(files=FILES)
    first, second, *_ = house.file_ids(transform)
    impossible = FileReport(transform.request_id, second, "success", "/a", 1.0, 1, "h", object_size=10 ** 30)
    unknown = FileReport("nobody", 1, "success", "/a", 1.0, 1, "h")
    assert house.results.report_all([success(transform, first), impossible, unknown]) == [True, False, True]
    assert counts(house, transform) == (4, 1, 0)


@pytest.mark.parametrize("shared", [True, False], ids=["one dataset", "a dataset each"])
def test_a_group_of_many_transforms_takes_as_few_statements_as_one(house: House, shared: bool) -> None:
    transforms = [house.submit(files=["/", "/more", "" if shared else f"/{n}"]) for n in range(10)]
    ids = [house.file_ids(transform)[0] for transform in transforms]
    statements: list[str] = []
    event.listen(house.transactions._writing, "before_cursor_execute", lambda *args: statements.append(args[2]))
    house.results.report(success(transforms[0], ids[0]))
    alone = len(statements)
    reports = [success(transform, one) for transform, one in zip(transforms[1:], ids[1:], strict=True)]
    assert house.results.report_all(reports) == [True] * 9
    assert len(statements) == 2 * alone
    assert {counts(house, transform) for transform in transforms} == {(3, 1, 0)}


def test_file_of_another_transform_in_the_same_group_is_refused(house: House) -> None:
    one, other = house.submit(files=["/a", "/b"]), house.submit(files=["/c", "/d"])
    mine, theirs = house.file_ids(one)[0], house.file_ids(other)[0]
    waiting = house.results._stored([Waiting(success(one, mine)), Waiting(success(other, mine)),
                                     Waiting(success(other, theirs))])
    assert [type(w.error) for w in waiting] == [type(None), NotFound, type(None)]
    assert counts(house, one) == counts(house, other) == (2, 1, 0)
