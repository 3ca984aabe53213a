"""What DID finders report, in whatever order and however often."""
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select

from servicex.models import Dataset, DatasetFile, TransformRequest, TransformStatus
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from tests.api.callers import ATTEMPTS, Callers, found, summary
from tests.databases import House


def dataset(callers: Callers, transform: TransformRequest) -> Dataset:
    return callers.house.datasets.get(SINGLE_USER, transform.did_id)[0]


def files(callers: Callers, transform: TransformRequest) -> list[DatasetFile]:
    return list(callers.house.datasets.get(SINGLE_USER, transform.did_id)[1])


def test_look_up_from_first_file_to_end(callers: Callers) -> None:
    transform = callers.looked_up()
    answer = callers.finder(transform, "files", found("/a", "/b"))
    assert (answer.status_code, answer.json) == (200, {"dataset_id": str(transform.did_id)})
    assert callers.finder(transform, "files", found("/c")[0]).status_code == 200
    assert callers.house.get(transform).status is TransformStatus.LOOKUP
    answer = callers.finder(transform, "complete", summary(3))
    assert (answer.status_code, answer.get_data()) == (200, b"null\n")
    ended = callers.house.get(transform)
    assert (ended.status, ended.files) == (TransformStatus.RUNNING, 3)
    assert [f.paths for f in files(callers, transform)] == [("/a",), ("/b",), ("/c",)]
    assert (dataset(callers, transform).size, dataset(callers, transform).events) == (30, 6)


def test_repeated_files_add_nothing(callers: Callers) -> None:
    transform = callers.looked_up()
    for _ in range(3):
        assert callers.finder(transform, "files", found("/a", "/b", "/a")).status_code == 200
    assert callers.counts(transform) == (2, 0, 0)


def test_what_comes_after_the_end_changes_nothing(callers: Callers) -> None:
    transform = callers.looked_up()
    callers.finder(transform, "files", found("/a"))
    callers.finder(transform, "complete", summary(1))
    late: list[tuple[str, Any]] = [("files", found("/late")), ("complete", summary(9)),
                                   ("error", {"message": "m", "error-type": "bad_name"})]
    for what, body in late:
        assert callers.finder(transform, what, body).status_code == 200
    assert callers.counts(transform) == (1, 0, 0)
    assert dataset(callers, transform).lookup_status == "complete"


def test_unknown_dataset(callers: Callers) -> None:
    nowhere = TransformRequest(did_id=4711)
    for what, body in (("files", found("/a")), ("complete", summary(1)), ("error", {"message": "m"})):
        answer = callers.finder(nowhere, what, body)
        assert (answer.status_code, answer.json) == (404, {"message": "Dataset 4711 not found"})


def test_look_up_without_files_is_a_bad_dataset(callers: Callers) -> None:
    transform = callers.looked_up()
    callers.finder(transform, "complete", summary(0))
    ended = callers.house.get(transform)
    assert (ended.status, ended.failure_description) == (TransformStatus.BAD_DATASET, "The dataset holds no files.")
    assert dataset(callers, transform).is_stale, "it must not be kept for the next who asks"


def test_files_that_were_lost_are_looked_up_again(callers: Callers) -> None:
    transform = callers.looked_up()
    callers.finder(transform, "files", found("/a"))
    callers.finder(transform, "complete", summary(2))
    callers.finder(transform, "complete", summary(2))
    assert dataset(callers, transform).lookup_status == "created", "a repeated report is no second look-up"
    callers.house.begin_lookups()
    assert callers.look_ups(transform) == 2
    callers.finder(transform, "files", found("/a", "/b"))
    callers.finder(transform, "complete", summary(2))
    assert callers.house.get(transform).status is TransformStatus.RUNNING
    assert callers.counts(transform) == (2, 0, 0)
    assert dataset(callers, transform).lookup_message is None


def test_finder_that_counts_a_file_twice_is_believed_the_second_time(callers: Callers) -> None:
    transform = callers.looked_up()
    for _ in range(2):
        callers.finder(transform, "files", found("/a", "/a"))
        callers.finder(transform, "complete", summary(2))
        callers.house.begin_lookups()
    assert callers.house.get(transform).status is TransformStatus.RUNNING
    assert callers.counts(transform) == (1, 0, 0)


def test_files_that_stay_lost_end_the_look_up(callers: Callers) -> None:
    transform = callers.looked_up()
    for attempt in range(ATTEMPTS):
        callers.finder(transform, "files", found(f"/{attempt}"))
        callers.finder(transform, "complete", summary(5))
        callers.house.begin_lookups()
    ended = callers.house.get(transform)
    assert ended.status is TransformStatus.BAD_DATASET
    assert ended.failure_description == "The finder counted 5 files; 2 different ones arrived."


def test_failure_of_the_name_ends_at_once(callers: Callers) -> None:
    for reason in ("does_not_exist", "bad_name"):
        transform = callers.looked_up()
        answer = callers.finder(transform, "error", {"elapsed-time": 0, "message": "No such", "error-type": reason})
        assert (answer.status_code, answer.get_data()) == (200, b"null\n")
        ended = callers.house.get(transform)
        assert (ended.status, ended.failure_description) == (TransformStatus.BAD_DATASET, "No such")
        assert (dataset(callers, transform).lookup_status, dataset(callers, transform).is_stale) == (reason, True)


def test_failure_of_the_finder_is_tried_again_and_ends(callers: Callers) -> None:
    transform = callers.looked_up()
    for _ in range(ATTEMPTS):
        assert callers.house.get(transform).status is TransformStatus.LOOKUP
        callers.finder(transform, "error", {"message": "proxy expired", "error-type": "something new"})
        callers.house.begin_lookups()
    assert callers.look_ups(transform) == ATTEMPTS
    ended = callers.house.get(transform)
    assert (ended.status, ended.failure_description) == (TransformStatus.BAD_DATASET, "proxy expired")
    assert dataset(callers, transform).lookup_status == "internal_failure"


def test_files_of_a_failed_look_up_are_nobodys(callers: Callers) -> None:
    transform = callers.looked_up()
    callers.finder(transform, "files", found("error: no such record"))
    callers.finder(transform, "error", {"message": "no", "error-type": "internal_failure"})
    assert callers.house.get(transform).status is TransformStatus.BAD_DATASET
    again = callers.house.submit(did=transform.did)
    assert again.did_id != transform.did_id and files(callers, again) == []


def test_files_that_cannot_be_taken_end_the_look_up(callers: Callers) -> None:
    transform = callers.looked_up()
    assert callers.finder(transform, "files", [{"paths": []}]).status_code == 400
    ended = callers.house.get(transform)
    assert ended.status is TransformStatus.BAD_DATASET
    assert (ended.failure_description or "").startswith("The finder sent files that cannot be taken: Invalid request")


UNDERSTOOD: list[list[dict[str, Any]]] = [
    [], [{"paths": ["/a"]}], [{"paths": ["/a"], "adler32": None, "file_size": None, "file_events": None}],
    [{"paths": ["/a"], "adler32": "ad" * 999, "file_size": 1e300, "file_events": -5}],
    [{"paths": ["/a"], "adler32": {"x": []}, "file_size": "many", "file_events": 2 ** 70, "more": 1}],
    [{"paths": ["/a,b", "root://c//\u20ac"], "adler32": 12.5, "file_size": float("nan"), "file_events": 2.0}]]
NONSENSE: list[Any] = [
    5, "text", [5], [[]], {}, [{"paths": "/a"}], [{"paths": [""]}], [{"paths": [5]}], [{"paths": ["a\0b"]}],
    [{"paths": ["/x" * 40_000]}], [{"paths": ["/a"] * 1001}], [{"paths": ["\ud800"]}]]
STRANGE_FAILURES: list[dict[str, Any]] = [
    {}, {"message": None}, {"message": "\0\ud800" * 9, "error-type": ["x"]},
    {"message": "x" * 100_000, "error-type": 5}]


def test_what_can_be_understood_is_not_refused(callers: Callers) -> None:
    for body in UNDERSTOOD:
        transform = callers.looked_up()
        answer = callers.finder(transform, "files", body)
        assert answer.status_code == 200, (body, answer.text)
        assert callers.counts(transform) == (len(body), 0, 0)


def test_nonsense_is_refused_in_words(callers: Callers) -> None:
    for body in NONSENSE:
        transform = callers.looked_up()
        answer = callers.finder(transform, "files", body)
        assert answer.status_code == 400 and set(answer.json or {}) == {"message"}, (body, answer.text)
        assert callers.counts(transform) == (0, 0, 0)


def test_end_that_is_no_object_is_refused(callers: Callers) -> None:
    transform = callers.looked_up()
    for what in ("complete", "error"):
        for body in ([], "x", 7):
            assert callers.finder(transform, what, body).status_code == 400
    assert callers.house.get(transform).status is TransformStatus.LOOKUP


def test_strange_failure_is_a_failure(callers: Callers) -> None:
    for body in STRANGE_FAILURES:
        transform = callers.looked_up()
        for _ in range(ATTEMPTS):
            assert callers.finder(transform, "error", body).status_code == 200, body
            callers.house.begin_lookups()
        ended = callers.house.get(transform)
        assert ended.status is TransformStatus.BAD_DATASET and len(ended.failure_description or "") <= 10_000


def test_body_that_is_not_json(callers: Callers) -> None:
    transform = callers.looked_up()
    token = callers.capabilities.token("dataset", str(transform.did_id))
    url = f"/servicex/internal/{token}/transformation/{transform.did_id}/files"
    assert callers.call("PUT", url, data=b"paths=1").status_code == 415
    assert callers.call("PUT", url, data=b"[" * 100_000, content_type="application/json").status_code == 400


def test_many_puts_at_once_lose_nothing(callers: Callers) -> None:
    transform = callers.looked_up()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda bulk: callers.finder(transform, "files", found(
            *(f"/{bulk}/{n}" for n in range(50)))).status_code, range(12)))
    assert answers == [200] * 12
    assert callers.counts(transform) == (600, 0, 0)


def test_a_failed_look_up_rests_before_it_is_begun_again(callers: Callers) -> None:
    transform = callers.looked_up()
    callers.finder(transform, "error", {"message": "m", "error-type": "internal_failure"})
    with callers.house.transactions.write() as session:
        session.get_one(Dataset, transform.did_id).lookup_deadline = now() + timedelta(hours=1)
    callers.house.begin_lookups()
    assert callers.look_ups(transform) == 1


@contextmanager
def held_at_commit(house: House, reached: threading.Event, let_go: threading.Event) -> Iterator[None]:
    """Hold up the first transaction that is about to commit."""
    def hold(_: Any) -> None:
        if not reached.is_set():
            reached.set()
            assert let_go.wait(30)
    engine = house.transactions._writing
    event.listen(engine, "commit", hold)
    yield
    event.remove(engine, "commit", hold)


def test_ids_become_visible_in_order(callers: Callers) -> None:
    """What publishes files works through them by id: one that appears below the mark would never be published."""
    transform = callers.looked_up()
    reached, let_go = threading.Event(), threading.Event()
    seen: list[list[int]] = []

    def look() -> None:
        with callers.house.transactions.read() as session:
            seen.append(list(session.scalars(select(DatasetFile.id).where(
                DatasetFile.dataset_id == transform.did_id))))
    with ThreadPoolExecutor(2) as threads, held_at_commit(callers.house, reached, let_go):
        first = threads.submit(callers.finder, transform, "files", found("/a", "/b"))
        assert reached.wait(30)
        second = threads.submit(callers.finder, transform, "files", found("/c", "/d"))
        time.sleep(0.5)
        look()
        assert not second.done(), "the second waits for the first to commit"
        let_go.set()
        assert (first.result(30).status_code, second.result(30).status_code) == (200, 200)
    look()
    assert (len(seen[0]), len(seen[1])) == (0, 4)
    assert [f.paths[0] for f in files(callers, transform)] == ["/a", "/b", "/c", "/d"]


def test_bulk_is_one_statement(callers: Callers) -> None:
    transform = callers.looked_up()
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)
    event.listen(callers.house.transactions._writing, "before_cursor_execute", note)
    assert callers.finder(transform, "files", found(*(f"/{n}" for n in range(300)))).status_code == 200
    event.remove(callers.house.transactions._writing, "before_cursor_execute", note)
    assert sum(statement.startswith("INSERT INTO files") for statement in statements) == 1
    assert callers.counts(transform) == (300, 0, 0)


def test_json_of_the_real_library(callers: Callers) -> None:
    transform = callers.looked_up()
    token = callers.capabilities.token("dataset", str(transform.did_id))
    sent = json.dumps([{"timestamp": "2026-11-24T06:12:39.054677", "paths": ["root://h//f"], "adler32": "0a1b",
                        "file_size": 0, "file_events": 0}])
    answer = callers.call("PUT", f"/servicex/internal/{token}/transformation/{transform.did_id}/files", data=sent,
                          content_type="application/json", headers={"Host": "servicex-app:8000"})
    assert answer.status_code == 200
    assert files(callers, transform)[0].adler32 == "0a1b"
