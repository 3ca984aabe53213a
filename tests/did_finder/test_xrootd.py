"""Look-ups of `xrootd://` datasets, on a real XRootD server."""
import itertools
import socket
from pathlib import Path

import pytest

from servicex.errors import InvalidDataset
from tests.did_finder.conftest import MakeFinder
from tests.did_finder.recording_sink import RecordingSink
from tests.did_finder.xrootd_server import XrootdServer

NAMES = ("a.root", "b c,d.root", "é%20:x.root", "notes.txt", "run1/x1.root", "run1/x2.root", "run2/x1.root",
         "run2/deep/x3.root", ".hidden/x.root", "runs.root")


@pytest.fixture(scope="module")
def folder(xrootd_server: XrootdServer) -> str:
    """The path on the server of a folder with files."""
    top = xrootd_server.files / "finder"
    for name in NAMES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (top / "empty").mkdir()
    return f"{xrootd_server.url}/finder"


@pytest.mark.parametrize("pattern, names", [
    ("", ["a.root", "b c,d.root", "runs.root", "é%20:x.root"]),
    ("/", ["a.root", "b c,d.root", "runs.root", "é%20:x.root"]),
    ("/*.root", ["a.root", "b c,d.root", "runs.root", "é%20:x.root"]),
    ("/*/x?.root", ["run1/x1.root", "run1/x2.root", "run2/x1.root"]),
    ("/run[2-9]/*", ["run2/x1.root"]),
    ("/r*/x1.root", ["run1/x1.root", "run2/x1.root"]),
    ("/run?/", ["run1/x1.root", "run1/x2.root", "run2/x1.root"]),
    ("/**/x*.root", ["run1/x1.root", "run1/x2.root", "run2/deep/x3.root", "run2/x1.root"]),
    ("/**/x?.root?files=3", ["run1/x1.root", "run1/x2.root", "run2/deep/x3.root"]),
    ("/run1/x1.root", ["run1/x1.root"]),
    ("/b c,d.root", ["b c,d.root"]),
    ("/é%20:x.root?files=9", ["é%20:x.root"]),
])
def test_patterns(make_finder: MakeFinder, sink: RecordingSink, folder: str, pattern: str, names: list[str]) -> None:
    finder = make_finder([])
    assert finder.schemes == {"xrootd"}
    finder.check("xrootd", folder + pattern)
    finder.look_up("xrootd", folder + pattern, 1)
    assert sink.end(1) == "complete", sink.messages
    assert sink.paths(1) == [f"{folder}/{name}" for name in names]
    assert [file.file_size for file in sink.found(1)] == [len(name.encode()) for name in names]


def test_a_single_slash_before_the_path_will_do(make_finder: MakeFinder, sink: RecordingSink, folder: str) -> None:
    make_finder([]).look_up("xrootd", folder.replace("//finder", "/finder") + "/run1", 1)
    assert sink.end(1) == "complete"
    assert sink.paths(1) == [f"{folder}/run1/x1.root", f"{folder}/run1/x2.root"]


@pytest.mark.parametrize("pattern, words", [
    ("/missing/*.root", "no such file"), ("/missing", "no such file"), ("/a.root/x", "no such file"),
    ("/empty", "No file"), ("/*.parquet", "No file"), ("/a.root/*", "No file"), ("/run1/x1.root?authz=x", "No file"),
])
def test_what_does_not_exist_is_said_so(make_finder: MakeFinder, sink: RecordingSink, folder: str, pattern: str,
                                        words: str) -> None:
    make_finder([]).look_up("xrootd", folder + pattern, 1)
    assert sink.end(1) == "does_not_exist", sink.messages
    assert words in sink.messages[1]


@pytest.mark.parametrize("did", [
    "", "/eos/x.root", "host//eos/x.root", "root://", "root://h", "root://h/", "root://h//", "root:///a",
    "root://h:no//a", "root://h//a/../b", "http://h/a", "roots://h//a", "root://h//a\0b", "root://h//a?files=0",
    "file:///etc/*", "root://h//" + "x" * 4096,
])
def test_malformed_dids_are_refused_at_once(make_finder: MakeFinder, sink: RecordingSink, did: str) -> None:
    finder = make_finder([])
    with pytest.raises(InvalidDataset):
        finder.check("xrootd", did)
    finder.look_up("xrootd", did, 1)
    assert sink.end(1) == "bad_name"


def test_private_hosts_can_be_refused(make_finder: MakeFinder) -> None:
    finder = make_finder([], allow_private_hosts=False)
    with pytest.raises(InvalidDataset, match="private"):
        finder.check("xrootd", "root://127.0.0.1//x/*.root")
    finder.check("xrootd", "root://eospublic.cern.ch//x/*.root")


def test_a_file_that_may_not_be_listed_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink,
                                                              xrootd_server: XrootdServer) -> None:
    closed = xrootd_server.files / "closed"
    closed.mkdir()
    closed.chmod(0)
    make_finder([]).look_up("xrootd", f"{xrootd_server.url}/closed/*.root", 1)
    assert sink.end(1) == "internal_failure"
    assert "closed" in sink.messages[1]


def test_a_server_that_is_away_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRD_CONNECTIONWINDOW", "2")  # seconds until the next attempt
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        finder = make_finder([])
        finder.look_up("xrootd", f"root://127.0.0.1:{port}//x/*.root", 1)
        finder.look_up("xrootd", "root://no.such.host.invalid//x/*.root", 2)
        assert sink.end(1) == sink.end(2) == "internal_failure"
    assert f"127.0.0.1:{port}" in sink.messages[1]


def test_a_server_that_says_nothing_fails_at_the_deadline(make_finder: MakeFinder, sink: RecordingSink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        make_finder([], deadline=2).look_up("xrootd", f"root://127.0.0.1:{silent.getsockname()[1]}//x/*.root", 1)
        assert sink.end(1, 5) == "internal_failure"
    assert "2 seconds" in sink.messages[1]


def test_files_found_are_told_before_the_walk_is_over(make_finder: MakeFinder, sink: RecordingSink,
                                                      xrootd_server: XrootdServer) -> None:
    top = xrootd_server.files / "many"
    for run, number in itertools.product(range(30), range(20)):
        (top / f"run{run:02}").mkdir(parents=True, exist_ok=True)
        (top / f"run{run:02}" / f"{number:02}.root").touch()
    make_finder([]).look_up("xrootd", f"{xrootd_server.url}/many/*/*.root", 1)
    sink.wait(lambda: 1 in sink.chunks)
    assert len(sink.chunks[1][0]) <= 20
    assert sink.end(1) == "complete"
    assert sink.paths(1) == sorted(sink.paths(1))
    assert len(sink.paths(1)) == 600


def test_uproot_reads_what_was_found(make_finder: MakeFinder, sink: RecordingSink, xrootd_server: XrootdServer,
                                     samples: Path) -> None:
    import uproot
    name = "with space, comma:colon.root"
    (xrootd_server.files / "real").mkdir()
    (xrootd_server.files / "real" / name).write_bytes((samples / "nano_dy.root").read_bytes())
    make_finder([]).look_up("xrootd", f"{xrootd_server.url}/real", 1)
    assert sink.end(1) == "complete"
    with uproot.open({sink.paths(1)[0]: None}) as file:
        assert file["Events"].num_entries == 40
