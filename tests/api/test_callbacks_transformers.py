"""What transformers report, as the sidecars of existing pods do: once, without a look at the answer."""
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from servicex.models import GeneratedProgram, TransformRequest, TransformStatus
from servicex.services.caller import SINGLE_USER
from servicex.services.sidecar_objects import sidecar_output
from servicex.services.transforms import Submission, pack
from tests.api.callers import Callers
from tests.databases import found

FILES = ["root://a//d/1.root", "root://a//d/2.root", "root://a//d/3.root"]


@pytest.fixture
def transform(callers: Callers) -> TransformRequest:
    """A transform of three files."""
    return callers.house.submit(files=FILES)


def test_file_complete_of_the_real_sidecar(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    answer = callers.report(transform, first, "root://localhost:21094//ds/f1.root", more={"unknown": "here"})
    assert (answer.status_code, answer.get_data()) == (200, b'"Ok"\n')
    assert callers.counts(transform) == (3, 1, 0)
    (row,) = callers.results(transform)
    assert (row.s3_object_name, row.object_size) == ("root:::localhost:21094::ds:f1.root", None)
    assert (row.transform_time, row.total_events, row.host) == (1.5, 11, "node")
    assert row.file_path == "root://localhost:21094//ds/f1.root"
    (event,) = callers.events(transform)
    assert (event.file_id, event.status, event.pod_name) == (first, "finish", "node")


def test_failure_says_what_is_known(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    assert callers.report(transform, first, status="failure").status_code == 200
    (row,) = callers.results(transform)
    assert (row.transform_status, row.s3_object_name, row.error_class) == ("failure", None, "TransformFailed")
    assert callers.events(transform)[0].status == "failure"


def test_report_of_our_own_worker_tells_more(callers: Callers, transform: TransformRequest) -> None:
    first, second, _ = callers.house.file_ids(transform)
    stored = {"s3-object-name": "one.root", "object-size": 1234, "attempts": 2}
    callers.report(transform, first, FILES[0], **stored)
    error = {"class": "KeyError", "message": "no such branch", "trace": "Traceback: here", "log": "x" * 20_000 + "end"}
    callers.report(transform, second, FILES[1], "failure", **{"error": error, "attempts": 3, "object-size": 5})
    rows = {row.file_id: row for row in callers.results(transform)}
    assert (rows[first].s3_object_name, rows[first].object_size, rows[first].attempts) == ("one.root", 1234, 2)
    assert callers.house.get(transform).total_bytes == 1234
    bad = rows[second]
    assert (bad.error_class, bad.error_message, bad.attempts) == ("KeyError", "no such branch", 3)
    assert bad.log is not None and bad.log.endswith("xend") and bad.object_size is None
    infos = {event.file_id: event.info for event in callers.events(transform)}
    assert infos == {first: "one.root", second: "KeyError: no such branch\nTraceback: here"}


@pytest.mark.parametrize("more", [
    {"object-size": -1}, {"object-size": "large"}, {"attempts": "many"}, {"attempts": -5}, {"error": "words"},
    {"error": {"class": 5, "log": None, "trace": ["a"]}}, {"error": {}}])
def test_what_cannot_be_understood_of_it_is_left_out(callers: Callers, transform: TransformRequest, more: Any) -> None:
    first, *_ = callers.house.file_ids(transform)
    assert callers.report(transform, first, status="failure", **more).status_code == 200
    (row,) = callers.results(transform)
    assert (row.transform_status, row.attempts, row.object_size) == ("failure", 1, None)


def test_last_report_ends_the_transform(callers: Callers, transform: TransformRequest) -> None:
    for number, file_id in enumerate(callers.house.file_ids(transform)):
        assert callers.house.get(transform).status is TransformStatus.RUNNING
        callers.report(transform, file_id, FILES[number])
    assert callers.house.get(transform).status is TransformStatus.COMPLETE


def test_repeats_and_late_reports_change_nothing(callers: Callers, transform: TransformRequest) -> None:
    first, second, third = callers.house.file_ids(transform)
    for status in ("success", "success", "failure"):
        assert callers.report(transform, first, FILES[0], status).status_code == 200
    assert callers.counts(transform) == (3, 1, 0)
    callers.house.transforms.cancel(SINGLE_USER, transform.request_id)
    assert callers.report(transform, second, FILES[1]).status_code == 200
    assert callers.counts(transform) == (3, 1, 0)
    assert callers.house.get(transform).status is TransformStatus.CANCELED
    assert len(callers.events(transform)) == 1


def test_only_a_success_takes_the_place_of_a_report(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    for status in ("failure", "success", "failure"):
        callers.report(transform, first, FILES[0], status)
    assert callers.counts(transform) == (3, 1, 0)
    assert [e.status for e in callers.events(transform)] == ["failure", "finish"]


def test_same_report_many_times_at_once_counts_once(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: callers.report(transform, first, FILES[0]).status_code, range(24)))
    assert answers == [200] * 24
    assert callers.counts(transform) == (3, 1, 0)
    assert len(callers.events(transform)) == 1 and callers.objects.discarded == []


def test_race_of_two_replicas_leaves_one_object(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    paths = [f"root://site{n}//d/1.root" for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda path: callers.report(transform, first, path), paths))
    (row,) = callers.results(transform)
    names = {path.replace("/", ":") for path in paths}
    assert row.s3_object_name in names
    assert set(callers.objects.discarded) == names - {row.s3_object_name}


def test_object_of_a_late_report_is_discarded(callers: Callers, transform: TransformRequest) -> None:
    ids = callers.house.file_ids(transform)
    for file_id, path in zip(ids, FILES, strict=True):
        callers.report(transform, file_id, path)
    callers.report(transform, ids[0], FILES[0])
    callers.report(transform, ids[0], "/other")
    assert callers.objects.discarded == [":other"]


def test_objects_of_two_files_never_share_a_name(callers: Callers, transform: TransformRequest) -> None:
    """The client would wait for one more name for ever."""
    first, second, third = callers.house.file_ids(transform)
    for file_id in (first, second):
        assert callers.report(transform, file_id, "root://shared//f.root").status_code == 200
    assert callers.counts(transform) == (3, 1, 1)
    assert callers.results(transform)[1].error_class == "ObjectNameTaken"
    callers.report(transform, third, FILES[2])
    callers.report(transform, third, "root://shared//f.root")
    assert callers.objects.discarded == [], "what is the result of another file stays"


def test_store_that_is_away_costs_no_result(callers: Callers, transform: TransformRequest) -> None:
    callers.objects.away = True
    first, *_ = callers.house.file_ids(transform)
    for path in FILES[:2]:
        assert callers.report(transform, first, path).status_code == 200
    assert len(callers.results(transform)) == 1


def test_unknown_transform_and_unknown_file(callers: Callers, transform: TransformRequest) -> None:
    other = callers.house.submit(files=["/x"])
    nobody = TransformRequest(request_id="6a4bd0e0-0000-4000-8000-000000000000")
    row_number = TransformRequest(request_id=str(transform.id))
    for whom, file_id in ((nobody, 1), (row_number, 1), (transform, callers.house.file_ids(other)[0])):
        answer = callers.report(whom, file_id)
        assert answer.status_code == 404 and set(answer.json or {}) == {"message"}
    assert callers.transformer(nobody, "POST", "status", {"source": "s", "info": "i"}).status_code == 404
    assert callers.counts(transform) == (3, 0, 0) and callers.objects.discarded == []


def test_numbers_that_cannot_be_are_not_known(callers: Callers, transform: TransformRequest) -> None:
    strange: list[dict[str, Any]] = [
        {"total-time": float("inf"), "total-events": -1, "place": 5},
        {"total-time": "soon", "total-events": 1e300, "place": {"host_name": ["\0"] * 99}, "total-bytes": None},
        {"total-time": None, "total-events": 3.0, "avg-rate": {}, "place": None}]
    for more, file_id, path in zip(strange, callers.house.file_ids(transform), FILES, strict=True):
        answer = callers.report(transform, file_id, path, **more)
        assert answer.status_code == 200, answer.text
    rows = callers.results(transform)
    assert [(r.transform_time, r.total_events) for r in rows] == [(0.0, 0), (0.0, 0), (0.0, 3)]


def test_report_that_names_no_file_is_refused_in_words(callers: Callers, transform: TransformRequest) -> None:
    bad: list[dict[str, Any]] = [
        {"file-id": None}, {"file-id": 0}, {"file-id": 2 ** 40}, {"file-id": "x"}, {"file-path": ""},
        {"file-path": None}, {"file-path": "a\0"}, {"file-path": "/" * 70_000}]
    for more in bad:
        answer = callers.report(transform, 1, **more)
        assert answer.status_code == 400 and set(answer.json or {}) == {"message"}, more
    assert callers.transformer(transform, "PUT", "file-complete", {}).status_code == 400
    assert callers.counts(transform) == (3, 0, 0)


def test_path_of_any_length_is_kept(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    path = "root://a//" + "d/" * 20_000 + "f.root"
    assert callers.report(transform, first, path).status_code == 200
    (row,) = callers.results(transform)
    assert row.file_path == path and len(row.s3_object_name or "") == 255


def test_object_name_that_is_told_is_kept(callers: Callers, transform: TransformRequest) -> None:
    first, second, _ = callers.house.file_ids(transform)
    callers.report(transform, first, FILES[0], **{"s3-object-name": "told.root"})
    callers.report(transform, second, FILES[1], **{"s3-object-name": "none"})
    assert [r.s3_object_name for r in callers.results(transform)] == ["told.root", "root:::a::d:2.root"]


@pytest.mark.parametrize("result_format, formats, path, name", [
    ("root-file", ["root"], "root://localhost:21094//ds/f1.root", "root:::localhost:21094::ds:f1.root"),
    ("parquet", ["parquet", "root"], "root://localhost:1//ds/f0.root", "root:::localhost:1::ds:f0.root.parquet"),
    ("parquet", ["root"], "/ds/f0.root", ":ds:f0.parquet"),
    ("parquet", ["root"], "/ds/v1.2/f0", ":ds:v1.parquet"),
    ("parquet", None, "/ds/f0.root", ":ds:f0.root.parquet"),
    ("root-file", ["root"], "x" * 255, "x" * 255),
    ("root-file", ["root"], "x" * 256, "_53dab551701657356ed8b75653865a2e7a9c2f42" + "x" * 214)])
def test_names_as_the_sidecar_gives_them(result_format: str, formats: list[str] | None, path: str, name: str) -> None:
    program = {} if formats is None else {
        "transformer_capabilities.json": json.dumps({"file-formats": formats}).encode()}
    given = sidecar_output(result_format, True, program).object_name(path)
    assert given == name


def test_name_after_conversion_is_that_of_the_program(callers: Callers) -> None:
    house = callers.house
    transform = house.transforms.submit(SINGLE_USER, Submission("echo", "x", "parquet", file_list=["/d/1.root"]))
    with house.transactions.write() as session:
        session.get_one(GeneratedProgram, transform.id).archive = pack(
            {"transformer_capabilities.json": b'{"file-formats": ["root"]}'})
    callers.report(transform, house.file_ids(transform)[0], "/d/1.root")
    assert callers.results(transform)[0].s3_object_name == ":d:1.parquet"


def test_fatal_status_ends_the_transform(callers: Callers, transform: TransformRequest) -> None:
    said = {"source": "transformer", "info": "no proxy", "timestamp": "x"}
    for severity in ({}, {"severity": "info"}, {"severity": None}):
        answer = callers.transformer(transform, "POST", "status", {**said, **severity})
        assert (answer.status_code, answer.get_data()) == (200, b"null\n")
    assert callers.house.get(transform).status is TransformStatus.RUNNING
    for words in ("no proxy", "too late"):
        answer = callers.transformer(transform, "POST", "status", {**said, "info": words, "severity": "fatal"})
        assert answer.status_code == 200
    ended = callers.house.get(transform)
    assert (ended.status, ended.failure_description) == (TransformStatus.FATAL, "no proxy")
    assert ended.finish_time is not None


def test_status_without_source_or_info_is_refused(callers: Callers, transform: TransformRequest) -> None:
    for body in ({}, {"source": "s"}, {"info": "i", "severity": "fatal"}, {"source": "", "info": "i"}):
        assert callers.transformer(transform, "POST", "status", body).status_code == 400
    assert callers.house.get(transform).status is TransformStatus.RUNNING


def test_status_of_a_file_becomes_a_row(callers: Callers, transform: TransformRequest) -> None:
    first, *_ = callers.house.file_ids(transform)
    said = {"timestamp": "2022-01-02T03:04:05.678901", "status-code": "failure", "pod-name": "pod", "info": "t" * 9999}
    answer = callers.transformer(transform, "POST", f"{first}/status", said)
    assert (answer.status_code, answer.get_data()) == (200, b'"Ok"\n')
    (row,) = callers.events(transform)
    assert (row.status, row.pod_name, len(row.info or "")) == ("failure", "pod", 2048)
    assert row.timestamp.isoformat() == "2022-01-02T03:04:05.678901+00:00"
    for body in ({}, {"timestamp": "x"}, {"status-code": "start"}):
        assert callers.transformer(transform, "POST", f"{first}/status", body).status_code == 400
    assert callers.transformer(transform, "POST", "4711/status", said).status_code == 404
    callers.house.transforms.cancel(SINGLE_USER, transform.request_id)
    assert callers.transformer(transform, "POST", f"{first}/status", said).status_code == 200
    assert len(callers.events(transform)) == 1


def test_report_during_the_look_up_does_not_end_it(callers: Callers) -> None:
    transform = callers.looked_up()
    callers.house.datasets.files(transform.did_id, found("/a"))
    callers.report(transform, callers.house.file_ids(transform)[0], "/a")
    assert callers.house.get(transform).status is TransformStatus.LOOKUP


def test_report_waits_for_a_database_that_is_away(callers: Callers, transform: TransformRequest,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    house = callers.house
    first, *_ = house.file_ids(transform)
    back = threading.Event()
    threading.Timer(0.5, back.set).start()
    connect = house.transactions._writing.dialect.connect

    def away(*args: Any, **kwargs: Any) -> Any:
        if not back.is_set():
            raise house.transactions._writing.dialect.loaded_dbapi.OperationalError("the database is away")
        return connect(*args, **kwargs)
    monkeypatch.setattr(house.transactions._writing.dialect, "connect", away)
    house.transactions._writing.dispose()
    began = time.monotonic()
    assert callers.report(transform, first, FILES[0]).status_code == 200
    assert time.monotonic() - began >= 0.3 and back.is_set()
    assert callers.counts(transform) == (3, 1, 0)


def test_format_that_the_sidecars_die_of_is_refused(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers.house.transforms, "_deliverable", lambda image: ["parquet"])
    answer = callers.call("POST", "/servicex/transformation", json={
        "file-list": ["/a"], "selection": "x", "codegen": "echo", "result-format": "root-file"})
    assert answer.status_code == 400
    assert answer.json == {"message": "The transformers of this server cannot deliver root-file; they can: parquet."}
    assert callers.house.transforms.submit(SINGLE_USER, Submission("echo", "x", "parquet", file_list=["/a"]))


def test_nothing_is_launched_for_whom_nothing_runs(callers: Callers, transform: TransformRequest) -> None:
    answer = callers.call("GET", f"/servicex/transformation/{transform.request_id}/deployment-status")
    assert (answer.status_code, answer.json) == (404, {"message": f"Deployment not found: '{transform.request_id}'"})
