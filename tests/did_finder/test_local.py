"""Look-ups of `file://` datasets, with real files and the real search process."""
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicex.backends.did_finder.base import LookupFailure
from servicex.backends.did_finder.builtin import CHUNK, FIRST_CHUNK
from servicex.backends.did_finder.dids import local_search
from servicex.backends.did_finder.local_files import find_local
from servicex.backends.did_finder.search import SearchFailed
from servicex.errors import InvalidDataset
from tests.did_finder.conftest import MakeFinder
from tests.did_finder.recording_sink import RecordingSink

ODD_NAMES = ("a b.root", "a,b.root", "a:b.root", "100%25.root", "é.root", "日本.root", "[x].root", "q?.root")


def fill(folder: Path, names: list[str] | tuple[str, ...]) -> list[str]:
    """Make files of those names; their paths, sorted."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return sorted(str(folder / name) for name in names)


def test_a_directory_gives_its_root_files_with_their_sizes(make_finder: MakeFinder, sink: RecordingSink,
                                                           data: Path) -> None:
    expected = fill(data, ODD_NAMES)
    fill(data, ["notes.txt", "sub/x.root", ".hidden.root"])
    make_finder([data]).look_up("file", str(data), 1)
    assert sink.end(1) == "complete"
    assert sink.paths(1) == expected
    assert all(file.file_size == os.path.getsize(file.paths[0]) for file in sink.found(1))


@pytest.mark.parametrize("did, names", [
    ("{data}/*.root", ["a.root", "b.root"]),
    ("{data}/**/*.root", ["a.root", "b.root", "s/c.root", "s/t/d.root"]),
    ("{data}/**", ["a.root", "b.root", "s/c.root", "s/t/d.root"]),
    ("s", ["s/c.root"]),
    ("s/t/", ["s/t/d.root"]),
    ("s/t/d.root", ["s/t/d.root"]),
    ("./s//c.root", ["s/c.root"]),
    (".", ["a.root", "b.root"]),
    ("*/", ["s/c.root"]),
    ("?.root", ["a.root", "b.root"]),
    ("{data}/**/*.root?files=3", ["a.root", "b.root", "s/c.root"]),
    ("?.root?files=1&get=all", ["a.root"]),
    ("a.root?files=20", ["a.root"]),
])
def test_the_forms_of_a_did(make_finder: MakeFinder, sink: RecordingSink, data: Path, did: str,
                            names: list[str]) -> None:
    fill(data, ["a.root", "b.root", "s/c.root", "s/t/d.root", "s/notes.txt"])
    finder = make_finder([data])
    did = did.format(data=data)
    finder.check("file", did)
    finder.look_up("file", did, 1)
    assert sink.end(1) == "complete"
    assert sink.paths(1) == [str(data / name) for name in names]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_is_meant_by_exactly_its_name(make_finder: MakeFinder, sink: RecordingSink, data: Path,
                                             name: str) -> None:
    fill(data, [*ODD_NAMES, "x.root", "q1.root"])
    make_finder([data]).look_up("file", f"{data}/{name}", 1)
    assert sink.end(1) == "complete"
    assert sink.paths(1) == [str(data / name)]


@pytest.mark.parametrize("did, words", [
    ("{data}/missing", "no such file"), ("{data}/missing/*.root", "no such file"),
    ("{data}/missing.root", "no such file"),
    ("{data}/empty", "No file matches"), ("{data}/*.parquet", "No file matches"),
    ("{data}/a.root/*.root", "No file matches"),
    ("{data}/a.root/b.root", "no such file"), ("{data}/" + "x" * 300, "no such file"),
    ("{data}/only_dirs*", "No file matches"),
])
def test_what_does_not_exist_is_said_so(make_finder: MakeFinder, sink: RecordingSink, data: Path, did: str,
                                        words: str) -> None:
    fill(data, ["a.root", "empty/notes.txt", "only_dirs/x.root"])
    make_finder([data]).look_up("file", did.format(data=data), 1)
    assert sink.end(1) == "does_not_exist"
    assert words in sink.messages[1]
    assert sink.found(1) == []


@pytest.mark.parametrize("did", [
    "", "/etc", "/", "/*", "/**", "../x", "{data}/../x", "{data}2", "a\0b", "x" * 4097, "{data}?files=0",
    "/".join(["*"] * 101),
    "{data}/outer/*.root", "{data}/outer",
])
def test_malformed_and_outside_dids_are_refused_at_once(make_finder: MakeFinder, sink: RecordingSink, data: Path,
                                                        tmp_path: Path, did: str) -> None:
    (data / "outer").symlink_to(tmp_path)
    finder = make_finder([data])
    did = did.format(data=data)
    with pytest.raises(InvalidDataset):
        finder.check("file", did)
    finder.look_up("file", did, 1)
    assert sink.end(1) == "bad_name"
    assert sink.found(1) == []


def test_a_scheme_that_is_not_served_is_refused(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    finder = make_finder([])
    assert "file" not in finder.schemes
    assert "file" in make_finder([data]).schemes
    for scheme in ("file", "rucio"):
        with pytest.raises(InvalidDataset, match="not served"):
            finder.check(scheme, str(data))


def test_links_inside_are_followed_and_links_out_end_the_look_up(make_finder: MakeFinder, sink: RecordingSink,
                                                                 data: Path, tmp_path: Path) -> None:
    fill(data, ["real/a.root"])
    fill(tmp_path, ["outside/secret.root"])
    (data / "linked").symlink_to(data / "real")
    (data / "circle").symlink_to(data)
    (data / "gone.root").symlink_to(data / "nowhere.root")
    finder = make_finder([data])
    finder.look_up("file", "*/*.root", 1)
    finder.look_up("file", "**/*.root", 2)
    assert sink.end(1) == sink.end(2) == "complete"
    assert sink.paths(1) == [f"{data}/circle/gone.root", f"{data}/linked/a.root", f"{data}/real/a.root"]
    assert sink.paths(2) == [f"{data}/gone.root", f"{data}/real/a.root"]
    (data / "out.root").symlink_to(tmp_path / "outside/secret.root")
    (data / "out").symlink_to(tmp_path / "outside")
    for number, did in enumerate(("*.root", "ou*/*.root", "o*/secret.root"), start=3):
        finder.look_up("file", did, number)
        assert sink.end(number) == "bad_name"
        assert "leads out" in sink.messages[number]
        assert not any("secret" in path for path in sink.paths(number))


def test_pipes_are_left_out_and_unfit_names_end_the_look_up(make_finder: MakeFinder, sink: RecordingSink,
                                                            data: Path) -> None:
    expected = fill(data, ["a.root"])
    os.mkfifo(data / "b.root")
    finder = make_finder([data])
    finder.look_up("file", "*.root", 1)
    assert sink.end(1) == "complete"
    assert sink.paths(1) == expected
    (data / "new\nline.root").touch()
    finder.look_up("file", "*.root", 2)
    assert sink.end(2) == "bad_name"
    assert "new\\nline.root" in sink.messages[2]
    (data / "new\nline.root").unlink()
    Path(os.fsdecode(os.fsencode(data) + b"/\xff.root")).touch()
    (data / "sub").mkdir()
    (data / "sub" / "a::b.root").touch()
    finder.look_up("file", "*.root", 3)
    finder.look_up("file", "sub", 4)
    assert sink.end(3) == sink.end(4) == "bad_name"


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """As root, act as `nobody` for a while, since root may read everything."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_directory_that_may_not_be_read_is_an_internal_failure(data: Path) -> None:
    fill(data, ["closed/a.root"])
    (data / "closed").chmod(0)
    search = local_search("closed/*.root", [data])
    with without_privileges(), pytest.raises(SearchFailed, match="Permission denied") as error:
        list(find_local(search))
    (data / "closed").chmod(0o700)
    assert error.value.reason == LookupFailure.INTERNAL_FAILURE


def test_a_path_that_cannot_be_followed_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink,
                                                               data: Path) -> None:
    (data / "circle").symlink_to(data / "circle")
    make_finder([data]).look_up("file", "circle/a.root", 1)
    assert sink.end(1) == "internal_failure"
    assert "symbolic links" in sink.messages[1]


def test_files_come_in_chunks_and_the_first_ones_soon(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    expected = fill(data, [f"d{number % 10}/f{number:04}.root" for number in range(1000)])
    make_finder([data]).look_up("file", "**/*.root", 1)
    assert sink.end(1) == "complete"
    assert sink.paths(1) == expected
    assert len(sink.chunks[1][0]) == FIRST_CHUNK
    assert max(map(len, sink.chunks[1])) <= CHUNK
    assert len(sink.chunks[1]) < 50


def test_the_next_look_up_of_a_dataset_finds_new_files(make_finder: MakeFinder, sink: RecordingSink,
                                                       data: Path) -> None:
    fill(data, ["a.root"])
    finder = make_finder([data])
    finder.look_up("file", "*.root", 1)
    assert sink.end(1) == "complete"
    fill(data, ["b.root"])
    finder.look_up("file", "*.root", 2)
    assert sink.end(2) == "complete"
    assert len(sink.paths(2)) == 2


def test_a_look_up_nobody_wants_any_more_stops(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    fill(data, [f"{number}.root" for number in range(300)])
    sink.unwanted.add(1)
    finder = make_finder([data], threads=1)
    finder.look_up("file", "*.root", 1)
    finder.look_up("file", "*.root", 2)
    assert sink.end(2) == "complete"
    assert 1 not in sink.ended
    assert not finder.running(1)


def test_a_broken_sink_fails_its_look_up_and_no_other(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    fill(data, ["a.root"])
    sink.broken.add(1)
    finder = make_finder([data], threads=1)
    finder.look_up("file", "*.root", 1)
    finder.look_up("file", "*.root", 2)
    assert sink.end(1) == "internal_failure"
    assert sink.end(2) == "complete"


def find_searches() -> list[int]:
    """The ids of the search processes that this process has started."""
    listed = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(os.getpid())],
                            capture_output=True, text=True, check=True)
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "search_program" in line]


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make every search say one file and then hang."""
    (tmp_path / "hangs.py").write_text(
        "import time\nprint('[\"file\", [\"/a.root\"], 1, null]', flush=True)\ntime.sleep(600)  # search_program\n")
    monkeypatch.setattr("servicex.backends.did_finder.search_process._COMMAND",
                        (sys.executable, str(tmp_path / "hangs.py"), "search_program"))


@pytest.mark.usefixtures("endless")
def test_a_look_up_that_hangs_fails_at_its_deadline(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    finder = make_finder([data], deadline=1.2)
    finder.look_up("file", ".", 1)
    assert sink.end(1, 5) == "internal_failure"
    assert "1.2 seconds" in sink.messages[1]
    assert sink.paths(1) == ["/a.root"], "what was found before came after half a second"
    assert find_searches() == []


@pytest.mark.usefixtures("endless")
def test_a_dataset_is_looked_up_once_at_a_time(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    finder = make_finder([data], threads=2)
    for _ in range(5):
        finder.look_up("file", ".", 1)
    sink.wait(lambda: 1 in sink.chunks)
    assert finder.running(1)
    assert not finder.running(2)
    assert len(find_searches()) == 1


@pytest.mark.usefixtures("endless")
def test_close_ends_the_searches_and_says_nothing(make_finder: MakeFinder, sink: RecordingSink, data: Path) -> None:
    finder = make_finder([data], threads=2)
    for number in range(4):
        finder.look_up("file", ".", number)
    sink.wait(lambda: len(sink.chunks) == 2)
    assert len(find_searches()) == 2
    begin = time.monotonic()
    finder.close()
    finder.look_up("file", ".", 9)
    assert time.monotonic() - begin < 2
    assert sink.ended == {}
    assert find_searches() == []


@pytest.mark.usefixtures("endless")
def test_a_search_that_is_killed_is_an_internal_failure(make_finder: MakeFinder, sink: RecordingSink,
                                                        data: Path) -> None:
    make_finder([data]).look_up("file", ".", 1)
    sink.wait(lambda: 1 in sink.chunks)
    pid, = find_searches()
    os.kill(pid, signal.SIGKILL)
    assert sink.end(1) == "internal_failure"
