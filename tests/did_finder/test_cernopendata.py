"""Look-ups of `cernopendata://` datasets, at a server that answers as the portal does."""
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from servicex.errors import InvalidDataset
from tests.did_finder.conftest import MakeFinder
from tests.did_finder.http_server import AnsweringServer, Answer, Asked, answering
from tests.did_finder.recording_sink import RecordingSink

EOS = "root://eospublic.cern.ch//eos/opendata/cms"


def entry(name: str, size: int = 10, **values: Any) -> dict[str, Any]:
    """A file as the portal lists it."""
    return {"key": name, "uri": f"{EOS}/{name}", "size": size, "checksum": "adler32:0a1b2c3d", **values}


def record(*files: Any, **metadata: Any) -> dict[str, Any]:
    """A record as the portal's REST API gives it, with some of what else it holds."""
    return {"created": "2023-01-01", "id": 7, "links": {"self": "https://opendata.cern.ch/api/records/7"},
            "metadata": {"recid": "7", "title": "/Mu/Run2012B", "files": list(files), **metadata}}


class Portal:
    """Pages by their paths; what is not there is not found."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.failures: list[Answer] = []

    def answer(self, asked: Asked) -> Answer:
        if self.failures:
            return self.failures.pop()
        if asked.path not in self.pages:
            return Answer(b'{"status": 404, "message": "PID does not exist."}', 404)
        return Answer(json.dumps(self.pages[asked.path]).encode())


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def server(portal: Portal) -> Iterator[AnsweringServer]:
    with answering(portal.answer) as server:
        yield server


def look_up(make_finder: MakeFinder, sink: RecordingSink, server: AnsweringServer, did: str = "7",
            **options: Any) -> str:
    """How the look-up of a DID ends."""
    finder = make_finder([], portal=server.url + "/", **options)
    finder.check("cernopendata", did)
    finder.look_up("cernopendata", did, 1)
    return sink.end(1)


def test_a_record_with_files(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                             server: AnsweringServer) -> None:
    portal.pages["/api/records/7"] = record(entry("b.root", 20, checksum="sha1:xyz"), entry("a.root", 2 ** 40))
    assert look_up(make_finder, sink, server) == "complete", sink.messages
    assert [(f.paths, f.file_size, f.adler32, f.file_events) for f in sink.found(1)] == [
        ((f"{EOS}/a.root",), 2 ** 40, "0a1b2c3d", 0), ((f"{EOS}/b.root",), 20, None, 0)]


def test_only_the_first_files_by_path(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                      server: AnsweringServer) -> None:
    portal.pages["/api/records/7"] = record(entry("c"), entry("a"), entry("b"))
    assert look_up(make_finder, sink, server, "7?files=2") == "complete"
    assert sink.paths(1) == [f"{EOS}/a", f"{EOS}/b"]


def test_indices_that_are_files(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                server: AnsweringServer) -> None:
    portal.pages["/api/records/7"] = record(
        entry("file-indexes/CMS_1_file_index.json", type="index.json"),
        entry("file-indexes/CMS_1_file_index.txt", type="index.txt"),
        entry("file-indexes/CMS_2_file_index.json", type="index.json"), entry("z.root"))
    portal.pages["/record/7/files/CMS_1_file_index.json"] = [entry("a.root"), entry("c.root")]
    portal.pages["/record/7/files/CMS_2_file_index.json"] = [entry("b.root"), entry("a.root")]
    assert look_up(make_finder, sink, server) == "complete", sink.messages
    assert sink.paths(1) == [f"{EOS}/{name}.root" for name in "abcz"]


def test_indices_that_stand_in_the_record(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                          server: AnsweringServer) -> None:
    indices = [{"key": "CMS_1_file_index.json", "number_files": 2, "size": 20, "availability": {"online": 2},
                "files": [entry("a.root", availability="online"), entry("b.root")]},
               {"key": "CMS_2_file_index.json", "number_files": 1}]
    portal.pages["/api/records/7"] = record(entry("CMS_1_file_index.json"), _file_indices=indices)
    portal.pages["/record/7/file_index/CMS_2_file_index.json"] = {**indices[1], "files": [entry("c.root")]}
    assert look_up(make_finder, sink, server) == "complete", sink.messages
    assert sink.paths(1) == [f"{EOS}/{name}.root" for name in "abc"]


@pytest.mark.parametrize("page", [record(), {"id": 7, "metadata": {"title": "no files at all"}}])
def test_a_record_without_files_does_not_exist(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                               server: AnsweringServer, page: Any) -> None:
    portal.pages["/api/records/7"] = page
    assert look_up(make_finder, sink, server) == "does_not_exist"
    assert "holds no files" in sink.messages[1]


@pytest.mark.parametrize("status", [404, 410])
def test_no_such_record(make_finder: MakeFinder, sink: RecordingSink, portal: Portal, server: AnsweringServer,
                        status: int) -> None:
    portal.failures = [Answer(status=status)]
    assert look_up(make_finder, sink, server) == "does_not_exist"
    assert f"There is no record 7 at {server.url}" in sink.messages[1]


@pytest.mark.parametrize("page", [
    "text", [], {}, {"metadata": []}, record("a.root"), record({"size": 1}), record(entry("a", size="big")),
    record(entry("a", size=-1)), record(_file_indices=[{"key": "i", "number_files": 2, "files": [entry("a")]}]),
    record(_file_indices=[{"files": []}]), record({"uri": "file:///etc/passwd", "size": 1}),
    record({"uri": "root://h//a::b"}),
])
def test_nonsense_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                         server: AnsweringServer, page: Any) -> None:
    portal.pages["/api/records/7"] = page
    assert look_up(make_finder, sink, server) == "internal_failure", sink.chunks
    assert "portal" in sink.messages[1]


def test_files_on_tape_are_not_left_out_in_silence(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                                   server: AnsweringServer) -> None:
    portal.pages["/api/records/7"] = record(entry("a"), entry("b", availability="on demand"))
    assert look_up(make_finder, sink, server) == "internal_failure"
    assert f"1 of the 2 files of record 7 are on tape only: ask for them at {server.url}" in sink.messages[1]


def test_a_busy_portal_is_asked_again(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                      server: AnsweringServer) -> None:
    portal.pages["/api/records/7"] = record(entry("a"))
    portal.failures = [Answer(status=503, headers={"Retry-After": "3600"}), Answer(status=429)]
    assert look_up(make_finder, sink, server) == "complete", sink.messages
    assert len(server.asked) == 3


def test_a_broken_portal_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                                server: AnsweringServer) -> None:
    portal.failures = [Answer(status=403)]
    assert look_up(make_finder, sink, server) == "internal_failure"
    assert "HTTP status 403" in sink.messages[1]


def test_a_portal_that_is_away(make_finder: MakeFinder, sink: RecordingSink) -> None:
    with answering(lambda asked: Answer()) as server:
        pass
    assert look_up(make_finder, sink, server) == "internal_failure"
    assert "does not answer" in sink.messages[1]


def test_a_portal_that_says_nothing_fails_at_the_deadline(make_finder: MakeFinder, sink: RecordingSink, portal: Portal,
                                                          server: AnsweringServer) -> None:
    held = threading.Event()
    portal.failures = [Answer(held=held)]
    assert look_up(make_finder, sink, server, deadline=2) == "internal_failure"
    held.set()
    assert "2 seconds" in sink.messages[1]


@pytest.mark.parametrize("did", ["", "seven", "-7", "7/../8", "7 ", "٧", "7?files=0", "7?get=some", "7?q=1", "9" * 13])
def test_only_numbers_are_records(make_finder: MakeFinder, did: str) -> None:
    with pytest.raises(InvalidDataset):
        make_finder([], portal="http://portal").check("cernopendata", did)


def test_the_scheme_is_served_only_with_a_portal(make_finder: MakeFinder) -> None:
    assert "cernopendata" in make_finder([], portal="http://portal").schemes
    assert "cernopendata" not in make_finder([]).schemes
