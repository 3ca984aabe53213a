"""From a submission to a complete dataset, through RabbitMQ, by finders on the real library."""
from pathlib import Path

import pytest

from servicex.backends.broker.rabbitmq import RabbitMqBroker
from tests.did_finder_library.asking_server import AskingServer, asking_server
from tests.did_finder_library.conftest import scheme_of
from tests.setup.finder_libraries import VERSIONS

each_version = pytest.mark.parametrize("version", VERSIONS)
pytestmark = pytest.mark.usefixtures("finders")


def paths(number: int) -> str:
    return f"root://near//f{number:04}.root,root://far//f{number:04}.root"


def ended(asking: AskingServer, request_id: str, status: str) -> None:
    transform = asking.wait(request_id, lambda t: t["status"] not in ("Submitted", "Pending Lookup", "Lookup"))
    assert transform["status"] == status, transform


@each_version
def test_files_that_come_one_by_one(asking: AskingServer, version: str) -> None:
    request_id = asking.submitted(f"{scheme_of(version)}://single/3")
    ended(asking, request_id, "Running")
    dataset = asking.dataset(request_id)
    assert [dataset[key] for key in ("lookup_status", "n_files", "size", "events")] == ["complete", 3, 300, 30]
    assert [file["paths"] for file in dataset["files"]] == [paths(2), paths(1), paths(0)]
    assert [file["adler32"] for file in dataset["files"]] == ["2", "1", "0"]
    assert asking.calls[f"{dataset['id']}/files"] == 3


@each_version
def test_files_that_come_by_the_hundreds(asking: AskingServer, version: str) -> None:
    request_id = asking.submitted(f"{scheme_of(version)}://list/650")
    ended(asking, request_id, "Running")
    dataset = asking.dataset(request_id)
    assert sorted(file["paths"] for file in dataset["files"]) == sorted(map(paths, range(650)))
    assert asking.calls[f"{dataset['id']}/files"] == 3, "300 in each call"
    assert asking.transform(request_id)["files"] == 650


@each_version
def test_the_first_files_by_path(asking: AskingServer, version: str) -> None:
    request_id = asking.submitted(f"{scheme_of(version)}://single/9?files=4&get=available")
    ended(asking, request_id, "Running")
    assert [file["paths"] for file in asking.dataset(request_id)["files"]] == list(map(paths, range(4)))


@each_version
def test_all_who_wait_are_fed_while_files_stream_in(asking: AskingServer, finders_folder: Path, version: str) -> None:
    gate = finders_folder / "gate"
    waiting = [asking.submitted(f"{scheme_of(version)}://gated/2/3") for _ in range(4)]
    try:
        for request_id in waiting:
            asking.wait(request_id, lambda transform: transform["files"] == 2)
        late = asking.submitted(f"{scheme_of(version)}://gated/2/3")
        assert asking.dataset(late)["lookup_status"] == "looking"
        assert {asking.transform(r)["status"] for r in waiting} <= {"Lookup", "Pending Lookup"}
    finally:
        gate.touch()
    for request_id in (*waiting, late):
        ended(asking, request_id, "Running")
        assert asking.transform(request_id)["files"] == 5
    assert len({asking.transform(r)["did_id"] for r in (*waiting, late)}) == 1
    gate.unlink()


def test_a_failure_that_is_told(asking: AskingServer) -> None:
    request_id = asking.submitted(f"{scheme_of('3.2.0')}://fails/2")
    ended(asking, request_id, "Bad Dataset")
    dataset = asking.dataset(request_id)
    assert (dataset["lookup_status"], dataset["is_stale"]) == ("internal_failure", True)
    assert "the catalogue is on fire" in asking.transform(request_id)["failure-info"]


def test_a_dataset_that_the_catalogue_does_not_know(asking: AskingServer) -> None:
    request_id = asking.submitted(f"{scheme_of('3.2.0')}://missing")
    ended(asking, request_id, "Bad Dataset")
    assert asking.dataset(request_id)["lookup_status"] == "does_not_exist"
    assert "the catalogue does not know missing" in asking.transform(request_id)["failure-info"]


@pytest.mark.parametrize("did", ["fails/0", "missing"])
def test_a_failure_that_is_not_told(asking: AskingServer, did: str) -> None:
    """Version 3.0.1 says complete after every failure; only where it sent nothing can that be seen."""
    request_id = asking.submitted(f"{scheme_of('3.0.1')}://{did}")
    ended(asking, request_id, "Bad Dataset")
    assert asking.dataset(request_id)["lookup_status"] == "does_not_exist"


@pytest.mark.parametrize("options", ["get=some", "files=0", "files=x"])
def test_options_that_the_library_answers_with_silence(asking: AskingServer, options: str) -> None:
    answer = asking.submit(f"{scheme_of('3.2.0')}://single/3?{options}")
    assert answer.status_code == 400
    assert options.partition("=")[0] in answer.json()["message"]


def test_a_finder_that_does_not_run(rabbitmq_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicex.wiring.LOOKUP_GRACE", 0.0)
    with asking_server(tmp_path, rabbitmq_url, ["absent"], LOOKUP_SECONDS=1, LOOKUP_ATTEMPTS=2) as asking:
        request_id = asking.submitted("absent://some:data")
        ended(asking, request_id, "Bad Dataset")
        assert asking.dataset(request_id)["lookup_status"] == "internal_failure"
        assert asking.transform(request_id)["failure-info"].startswith(
            "The finder for absent gave no answer within 1 s, 2 times.")
    broker = RabbitMqBroker(rabbitmq_url)
    assert broker.depth("did_finder_absent") == 2, "it was asked twice"
    broker.delete("did_finder_absent")
    broker.close()
