"""Look-ups of `rucio://` datasets by the real Rucio client, at a server that answers as Rucio's REST API does."""
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servicex.backends.did_finder.base import FoundFile
from servicex.errors import InvalidDataset
from tests.conftest import require
from tests.did_finder.conftest import MakeFinder
from tests.did_finder.http_server import AnsweringServer, Answer, Asked, answering
from tests.did_finder.recording_sink import RecordingSink

CONFIG = """
[client]
rucio_host = {url}
auth_host = {url}
account = servicex
auth_type = userpass
username = servicex
password = not-a-secret
auth_token_file_path = {folder}/token
request_retries = 1
"""
NAME = "mc23_13p6TeV.deriv.DAOD_PHYSLITE.e8514"


def replica(name: str, *pfns: str, **values: Any) -> dict[str, Any]:
    """A file as Rucio lists it, the last of its replicas the nearest."""
    return {"scope": "mc23", "name": name, "bytes": 100, "adler32": "0a1b2c3d", "md5": None,
            "pfns": {pfn: {"rse": "CERN", "type": "DISK", "domain": "wan", "priority": len(pfns) - number,
                           "client_extract": "extract" in pfn} for number, pfn in enumerate(pfns)},
            "states": {"CERN": "AVAILABLE"}, **values}


class Rucio:
    """A Rucio with datasets by `scope:name`; it gives out a token, and asks for it. `failures` come first."""

    def __init__(self) -> None:
        self.datasets: dict[str, list[dict[str, Any]]] = {}
        self.failures: list[Answer] = []
        self.questions: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/auth/userpass":
            right = asked.headers["x-rucio-password"] == "not-a-secret"
            return Answer(headers={"X-Rucio-Auth-Token": "the-token"}) if right else error(401, "CannotAuthenticate")
        if asked.headers.get("x-rucio-auth-token") != "the-token":
            return error(401, "CannotAuthenticate")
        if asked.path == "/replicas/list":
            return self.failures.pop() if self.failures else self.list(json.loads(asked.body))
        return error(404, "RucioException")

    def list(self, question: dict[str, Any]) -> Answer:
        self.questions.append(question)
        did = question["dids"][0]
        files = self.datasets.get(f"{did['scope']}:{did['name']}", [])
        return stream(files)


def stream(lines: list[dict[str, Any]]) -> Answer:
    """An answer of one JSON document a line."""
    return Answer("".join(json.dumps(line) + "\n" for line in lines).encode(),
                  headers={"Content-Type": "application/x-json-stream"})


def error(status: int, kind: str, message: str = "in words") -> Answer:
    """A failure, as Rucio tells it."""
    body = json.dumps({"ExceptionClass": kind, "ExceptionMessage": message}).encode()
    return Answer(body, status, {"ExceptionClass": kind, "ExceptionMessage": message,
                                 "Content-Type": "application/octet-stream"})


@pytest.fixture
def rucio() -> Rucio:
    require(importlib.util.find_spec("rucio"), "PyPI's rucio-clients is not installed")
    return Rucio()


@pytest.fixture
def server(rucio: Rucio) -> Iterator[AnsweringServer]:
    with answering(rucio.answer) as server:
        yield server


@pytest.fixture
def config(server: AnsweringServer, tmp_path: Path) -> str:
    """The path of a `rucio.cfg`."""
    path = tmp_path / "rucio.cfg"
    path.write_text(CONFIG.format(url=server.url, folder=tmp_path))
    return str(path)


def look_up(make_finder: MakeFinder, sink: RecordingSink, config: str, did: str = f"mc23:{NAME}",
            **options: Any) -> str:
    """How the look-up of a DID ends."""
    finder = make_finder([], rucio_config=config, **options)
    finder.check("rucio", did)
    finder.look_up("rucio", did, 1)
    return sink.end(1, 60)


def test_the_nearest_replica_is_the_first(make_finder: MakeFinder, sink: RecordingSink, rucio: Rucio,
                                          config: str) -> None:
    rucio.datasets[f"mc23:{NAME}"] = [
        replica("b.root", "root://far.org:1094//b.root", "https://near.org/b.root", bytes=2 ** 40),
        replica("a.root", "root://far.org:1094//a.root?authz=x", "srm://tape/a.root", "root://far.org/a.zip?extract",
                adler32=None, bytes=None)]
    assert look_up(make_finder, sink, config) == "complete", sink.messages
    assert sink.found(1) == [
        FoundFile(("https://near.org/b.root", "root://far.org:1094//b.root"), "0a1b2c3d", 2 ** 40),
        FoundFile(("root://far.org:1094//a.root?authz=x",), None, 0)]
    assert rucio.questions[0]["dids"] == [{"scope": "mc23", "name": NAME}]
    assert rucio.questions[0]["schemes"] == ["root", "http", "https"]
    assert rucio.questions[0]["sort"] == "geoip"


def test_rucio_is_told_where_files_will_be_read(make_finder: MakeFinder, sink: RecordingSink, rucio: Rucio,
                                                config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RUCIO_LATITUDE": "41.8", "RUCIO_LONGITUDE": "-87.6", "SITE_NAME": "MWT2"}.items():
        monkeypatch.setenv(name, value)
    look_up(make_finder, sink, config)
    assert rucio.questions[0]["client_location"] == {"latitude": 41.8, "longitude": -87.6, "site": "MWT2"}


def test_only_the_first_files_by_path(make_finder: MakeFinder, sink: RecordingSink, rucio: Rucio, config: str) -> None:
    rucio.datasets[f"mc23:{NAME}"] = [replica(name, f"root://h//{name}") for name in "cab"]
    assert look_up(make_finder, sink, config, f"mc23:{NAME}?files=2") == "complete", sink.messages
    assert sink.paths(1) == ["root://h//a", "root://h//b"]


def test_an_unknown_dataset_does_not_exist(make_finder: MakeFinder, sink: RecordingSink, config: str) -> None:
    assert look_up(make_finder, sink, config) == "does_not_exist"
    assert f"Rucio knows no files of mc23:{NAME}" in sink.messages[1]


def test_nor_does_one_that_rucio_says_it_cannot_find(make_finder: MakeFinder, sink: RecordingSink, rucio: Rucio,
                                                     config: str) -> None:
    rucio.failures = [error(404, "DataIdentifierNotFound")]
    assert look_up(make_finder, sink, config) == "does_not_exist"


def test_a_file_without_replicas_is_not_left_out_in_silence(make_finder: MakeFinder, sink: RecordingSink,
                                                            rucio: Rucio, config: str) -> None:
    rucio.datasets[f"mc23:{NAME}"] = [replica("a", "root://h//a"), replica("b"), replica("c", "srm://tape/c")]
    assert look_up(make_finder, sink, config) == "internal_failure"
    assert "2 files without a replica" in sink.messages[1]
    assert not sink.paths(1)


def test_an_answer_that_breaks_off_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink, rucio: Rucio,
                                                          config: str) -> None:
    rucio.failures = [stream([replica("a", "root://h//a"),
                              {"ExceptionClass": "DatabaseException", "ExceptionMessage": "ORA-01555"}])]
    assert look_up(make_finder, sink, config) == "internal_failure"
    assert "ORA-01555" in sink.messages[1]
    assert not sink.paths(1)


def test_wrong_credentials_are_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink, config: str) -> None:
    Path(config).write_text(Path(config).read_text().replace("not-a-secret", "swordfish"))
    assert look_up(make_finder, sink, config) == "internal_failure"
    assert "CannotAuthenticate" in sink.messages[1]
    assert "swordfish" not in sink.messages[1]


def test_a_configuration_that_is_not_there_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink,
                                                                  rucio: Rucio, tmp_path: Path) -> None:
    assert look_up(make_finder, sink, str(tmp_path / "none.cfg")) == "internal_failure"


def test_a_server_that_says_nothing_fails_at_the_deadline(make_finder: MakeFinder, sink: RecordingSink, rucio: Rucio,
                                                          config: str) -> None:
    held = threading.Event()
    rucio.failures = [Answer(held=held)]
    assert look_up(make_finder, sink, config, deadline=6) == "internal_failure"
    held.set()
    assert "6 seconds" in sink.messages[1]


@pytest.mark.parametrize("did, scope", [
    ("user.me.my_data/", "user.me"), ("group.phys-higgs.x", "group.phys-higgs"), ("mc23_13TeV.1234.x", "mc23_13TeV"),
    ("data:file_1", "data"), ("cms:/Mu/Run2018A/NANOAOD#1-2", "cms"),
])
def test_the_scope_of_a_name(make_finder: MakeFinder, rucio: Rucio, did: str, scope: str) -> None:
    from servicex.backends.did_finder.dids import rucio_search
    make_finder([], rucio_config="rucio.cfg").check("rucio", did)
    assert rucio_search(did, "rucio.cfg").name == f"{scope}:{did.partition(':')[2] or did.rstrip('/')}"


@pytest.mark.parametrize("did", ["", ":", "a:", ":b", "a:b:c", "a:*", "a:b c", "a:b\n", "a:b?files=0", "a:b?x=1",
                                 "x" * 60 + ":b", "a:" + "x" * 600])
def test_names_that_rucio_cannot_know(make_finder: MakeFinder, rucio: Rucio, did: str) -> None:
    with pytest.raises(InvalidDataset):
        make_finder([], rucio_config="rucio.cfg").check("rucio", did)


def test_the_scheme_is_served_only_where_it_is_configured(make_finder: MakeFinder, rucio: Rucio) -> None:
    assert "rucio" in make_finder([], rucio_config="rucio.cfg").schemes
    assert "rucio" not in make_finder([]).schemes
