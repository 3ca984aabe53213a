"""The routes, as clients see them over the wire."""
import base64
import time
import uuid
from typing import Any

import pytest

from tests.api.conftest import Ask
from tests.running_server import RunningServer

FINAL = {"Complete", "Fatal", "Canceled", "Bad Dataset"}


@pytest.fixture
def submit(ask: Ask, body: dict[str, Any]) -> Any:
    """Submit the right submission with changes; the record of the transform."""
    def send(**change: Any) -> dict[str, Any]:
        answer = ask("post", "/servicex/transformation", json={**body, **change})
        assert answer.status_code == 200, answer.text
        return answer.json()
    return send


def wait(ask: Ask, request_id: str, seconds: float = 30) -> dict[str, Any]:
    """The record of the transform when it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        record: dict[str, Any] = ask("get", f"/servicex/transformation/{request_id}").json()
        if record["status"] in FINAL:
            return record
        time.sleep(0.05)
    raise AssertionError(f"not ended within {seconds} s: {record}")


def test_info(ask: Ask) -> None:
    info = ask("get", "/servicex").json()
    assert set(info["code-gen-image"]) == {"uproot", "uproot-raw", "python"}
    assert info["capabilities"] == ["poll_local_transformation_results", "long_sample_titles_10240",
                                    "post_cancel_transform"]
    assert set(ask("get", "/multiple-codegen-list").json()) == set(info["code-gen-image"])


def test_submission_answers_with_the_full_record(ask: Ask, submit: Any) -> None:
    record = submit(title="full")
    assert list(record)[0] == "request_id"
    assert record["status"] == "Running" and record["finish-time"] == "None"
    assert record.keys() == ask("get", f"/servicex/transformation/{record['request_id']}").json().keys()
    needed = {"request_id", "did", "did_id", "title", "selection", "tree-name", "image", "result-destination",
              "result-format", "generated-code-cm", "status", "app-version", "files", "files-completed",
              "files-failed", "files-remaining", "submit-time", "finish-time", "minio-endpoint", "minio-secured",
              "minio-access-key", "minio-secret-key"}
    assert needed <= record.keys()
    assert all(record[key] is not None for key in needed - {"tree-name"})


@pytest.mark.parametrize("called", ["localhost:8000", "127.0.0.1:5000"])
def test_the_address_of_results_is_the_one_by_which_the_server_was_called(ask: Ask, submit: Any, called: str) -> None:
    """A container has another port outside than inside."""
    path = f"/servicex/transformation/{submit()['request_id']}"
    assert ask("get", path, headers={"Host": called}).json()["minio-endpoint"] == called


def test_transform_from_submission_to_results(ask: Ask, submit: Any, server: RunningServer) -> None:
    record = submit()
    request_id = record["request_id"]
    ended = wait(ask, request_id)
    assert (ended["status"], ended["files"], ended["files-completed"], ended["files-remaining"]) == (
        "Complete", 3, 3, 0)
    assert ended["finish-time"] > ended["submit-time"] and ended["finish-time"].endswith("Z")
    assert ended["minio-endpoint"] == f"127.0.0.1:{server.port}" and ended["minio-secured"] is False
    results = ask("get", f"/servicex/transformation/{request_id}/results").json()["results"]
    assert [r["transform_status"] for r in results] == ["success"] * 3
    for result in results:
        stored = server.data / "results" / request_id / result["s3-object-name"]
        assert result["total-bytes"] == stored.stat().st_size
        assert result["total-events"] == 10


def test_results_are_inclusive_and_whole_unless_limited(ask: Ask, submit: Any) -> None:
    request_id = submit()["request_id"]
    wait(ask, request_id)
    url = f"/servicex/transformation/{request_id}/results"
    everything = ask("get", url, params={"later_than": "0001-01-01T00:00:00+00:00"}).json()["results"]
    assert len(everything) == 3
    second = everything[1]["created_at"]
    assert ask("get", url, params={"later_than": second + "+00:00"}).json()["results"] == everything[1:]
    assert ask("get", url, params={"later_than": second}).json()["results"] == everything[1:], "no zone is UTC"
    assert ask("get", url, params={"limit": 1}).json()["results"] == everything[:1]


def test_status(ask: Ask, submit: Any) -> None:
    record = submit()
    ended = wait(ask, record["request_id"])
    url = f"/servicex/transformation/{record['request_id']}/status"
    plain = ask("get", url).json()
    assert (plain["status"], plain["files-completed"], plain["files-processed"], plain["files-skipped"]) == (
        "Complete", 3, 3, 0)
    assert plain["finish-time"] == ended["finish-time"] and "details" in plain and plain["details"] is None
    assert plain["stats"]["total-events"] == 30 and plain["stats"]["total-bytes"] > 0
    for off in ("false", "0", ""):
        assert ask("get", url, params={"details": off}).json()["details"] is None
    details = ask("get", url, params={"details": "true"}).json()["details"]
    files = ask("get", f"/servicex/datasets/{record['did_id']}").json()["files"]
    assert {d["file-id"] for d in details} == {f["id"] for f in files}


def test_number_of_the_row_serves_as_id(ask: Ask, submit: Any) -> None:
    record = submit()
    everything = ask("get", "/servicex/transformation").json()["requests"]
    assert record["request_id"] in {r["request_id"] for r in everything}
    assert ask("get", "/servicex/transformation/1").json()["request_id"] == everything[0]["request_id"]


def test_errors_tell_each_file(ask: Ask, submit: Any, root_files: list[str], not_there: Any) -> None:
    record = submit(**{"file-list": [root_files[0], str(not_there)]})
    ended = wait(ask, record["request_id"])
    assert (ended["status"], ended["files-completed"], ended["files-failed"]) == ("Complete", 1, 1)
    (error,) = ask("get", f"/servicex/transformation/{record['request_id']}/errors").json()["errors"]
    assert error["file"] == str(not_there) and error["error-class"] == "FileNotFoundError"
    assert "not_there.root" in error["info"] and error["attempts"] == 1 and error["pod-name"]


def test_errors_show_the_line_of_the_program_that_failed(ask: Ask, submit: Any, root_files: list[str]) -> None:
    source = b"def run_query(input_filenames=None):\n    wanted = {}\n    return wanted['no <such> column']  # here\n"
    record = submit(codegen="python", selection=base64.b64encode(source).decode(), **{"file-list": root_files[:1]})
    wait(ask, record["request_id"])
    (error,) = ask("get", f"/servicex/transformation/{record['request_id']}/errors").json()["errors"]
    assert (error["error-class"], error["info"]) == ("KeyError", "'no <such> column'")
    assert "return wanted['no <such> column']  # here" in error["trace"] and len(error["trace"]) <= 2048


def test_all_files_failed_is_fatal_with_the_cause(ask: Ask, submit: Any, not_there: Any) -> None:
    ended = wait(ask, submit(**{"file-list": [str(not_there)]})["request_id"])
    assert ended["status"] == "Fatal"
    assert "FileNotFoundError" in ended["failure-info"] and "not_there.root" in ended["failure-info"]


def test_idempotency_key(ask: Ask, body: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (ask("post", "/servicex/transformation", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json()["request_id"] == again.json()["request_id"]
    other = ask("post", "/servicex/transformation", json={**body, "title": "another"}, headers=headers)
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["message"]


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "caf\xe9"])
def test_idempotency_key_that_is_none(ask: Ask, body: dict[str, Any], key: str) -> None:
    answer = ask("post", "/servicex/transformation", json=body, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == 400 and "Idempotency-Key" in answer.json()["message"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_cancel(ask: Ask, submit: Any, method: str) -> None:
    endless = "ZGVmIHJ1bl9xdWVyeShpbnB1dF9maWxlbmFtZXM9Tm9uZSk6CiAgICB3aGlsZSBUcnVlOgogICAgICAgIHBhc3MK"
    record = submit(codegen="python", selection=endless)
    url = f"/servicex/transformation/{record['request_id']}"
    deadline = time.monotonic() + 20
    while ask("get", url + "/deployment-status").json().get("states", {}).get("transforming", 0) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    begun = time.monotonic()
    answer = ask(method, url + "/cancel")
    assert answer.json() == {"message": f"Canceled transformation request {record['request_id']}"}
    while ask("get", url + "/deployment-status").status_code != 404:
        time.sleep(0.02)
    assert time.monotonic() - begun < 1.0
    assert ask("get", url).json()["status"] == "Canceled"
    again = ask(method, url + "/cancel")
    assert again.status_code == 400 and "is not in progress" in again.json()["message"]


def test_delete(ask: Ask, submit: Any, server: RunningServer) -> None:
    record = submit()
    url = f"/servicex/transformation/{record['request_id']}"
    wait(ask, record["request_id"])
    folder = server.data / "results" / record["request_id"]
    assert folder.is_dir()
    assert ask("delete", url).status_code == 200
    assert ask("get", url).status_code == 404
    deadline = time.monotonic() + 10
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_running_transform_is_not_deleted(ask: Ask, submit: Any) -> None:
    record = submit(did="file://none_*.root", **{"file-list": None})
    answer = ask("delete", f"/servicex/transformation/{record['request_id']}")
    if answer.status_code == 400:
        assert "cancel it first" in answer.json()["message"]
    else:
        assert wait(ask, record["request_id"]) is None, "the look-up must have ended before the DELETE came"


def test_dataset_from_a_glob(ask: Ask, submit: Any, server: RunningServer) -> None:
    record = submit(did=f"file://{server.files}/api_*.root", **{"file-list": None})
    ended = wait(ask, record["request_id"])
    assert (ended["status"], ended["files-completed"]) == ("Complete", 3)
    dataset = ask("get", f"/servicex/datasets/{record['did_id']}").json()
    assert (dataset["lookup_status"], dataset["did_finder"], dataset["n_files"]) == ("complete", "file", 3)
    assert all(f["file_size"] > 0 and f["paths"].endswith(".root") for f in dataset["files"])


def test_dataset_that_does_not_exist(ask: Ask, submit: Any, server: RunningServer) -> None:
    record = submit(did=f"file://{server.files}/none_*.root", **{"file-list": None})
    ended = wait(ask, record["request_id"])
    assert ended["status"] == "Bad Dataset" and ended["failure-info"]
    dataset = ask("get", f"/servicex/datasets/{record['did_id']}").json()
    assert (dataset["lookup_status"], dataset["is_stale"]) == ("does_not_exist", True)


def test_datasets(ask: Ask, submit: Any) -> None:
    dataset_id = submit(title="ds")["did_id"]
    listed = ask("get", "/servicex/datasets", params={"did-finder": "user"}).json()["datasets"]
    (mine,) = [d for d in listed if d["id"] == dataset_id]
    assert mine["files"] is None and mine["did_finder"] == "user"
    assert ask("get", "/servicex/datasets", params={"did-finder": "rucio"}).json() == {"datasets": []}
    assert ask("delete", f"/servicex/datasets/{dataset_id}").json() == {"dataset-id": dataset_id, "stale": True}
    assert ask("delete", f"/servicex/datasets/{dataset_id}").status_code == 400
    assert dataset_id not in {d["id"] for d in ask("get", "/servicex/datasets").json()["datasets"]}
    shown = ask("get", "/servicex/datasets", params={"show-deleted": "true"}).json()["datasets"]
    assert dataset_id in {d["id"] for d in shown}


@pytest.mark.parametrize("said", [{"result-format": "arrow"}, {"result-format": None}, {}])
def test_no_format_and_arrow_mean_parquet(ask: Ask, body: dict[str, Any], said: dict[str, Any]) -> None:
    spoken = {key: value for key, value in body.items() if key != "result-format"}
    record = ask("post", "/servicex/transformation", json={**spoken, **said}).json()
    assert record["result-format"] == "parquet"
    wait(ask, record["request_id"])
    (first, *_) = ask("get", f"/servicex/transformation/{record['request_id']}/results").json()["results"]
    assert first["s3-object-name"].endswith(".parquet")


def test_doubled_slashes_are_one(ask: Ask, body: dict[str, Any]) -> None:
    assert ask("get", "//servicex").json() == ask("get", "/servicex").json()
    record = ask("post", "//servicex/transformation", json=body, allow_redirects=False).json()
    assert ask("get", f"///servicex//transformation/{record['request_id']}").status_code == 200


def test_pages(ask: Ask) -> None:
    home = ask("get", "/")
    assert home.status_code == 200 and "Welcome to ServiceX!" in home.text
    assert "/servicex/transformation" in ask("get", "/apidoc").text
    assert ask("get", "/apidoc/openapi.json").json()["openapi"].startswith("3.1")
