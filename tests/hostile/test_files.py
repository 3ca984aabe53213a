"""Input files that cannot be read, or are not what they seem: each says so, and the others are delivered."""
import os
from collections.abc import Sequence
from pathlib import Path

import awkward as ak
import pytest
import uproot

from tests.hostile.asking import RAW, Service, check_accounts
from tests.hostile.conftest import write_file

NESTED = '[{"treename": "deep", "filter_name": "lists"}]'


@pytest.fixture(scope="module")
def bad(service: Service, good: Path) -> dict[str, Path]:
    """Files by what ails them."""
    folder = service.server.files / "bad"
    large = write_file(folder / "large.root", 100_000)
    content = large.read_bytes()
    files = {name: folder / f"{name}.root" for name in ("missing", "empty", "text", "truncated", "zeroed", "header")}
    files["empty"].write_bytes(b"")
    files["text"].write_text("This is no ROOT file.\n" * 100)
    files["truncated"].write_bytes(content[:len(content) // 2])
    third = len(content) // 3
    files["zeroed"].write_bytes(content[:third] + bytes(third) + content[2 * third:])
    files["header"].write_bytes(content[:4] + b"\xff" * 60 + content[64:])
    return files


@pytest.fixture(scope="module")
def deep(service: Service) -> Path:
    """A file whose lists of lists no TTree of ours can hold."""
    path = service.server.files / "deep.root"
    with uproot.recreate(path) as file:
        ntuple = file.mkrntuple("deep", ak.Array({"lists": [[[1.0], []], []]}).layout.form)
        ntuple.extend(ak.Array({"lists": [[[1.0], []], []]}))
    return path


@pytest.mark.parametrize("ailment, error_class, words", [
    ("missing", "FileNotFoundError", "missing.root"),
    ("empty", "OSError", "empty.root is empty (0 bytes)"),
    ("text", "ValueError", "not a ROOT file"),
    ("truncated", "OSError", "truncated.root is cut off: it has"),
    ("zeroed", "zlib.error", "while decompressing data"),
    ("header", "DeserializationError", "header.root"),
])
def test_file_that_cannot_be_read(service: Service, bad: dict[str, Path], good: Path, ailment: str, error_class: str,
                                  words: str) -> None:
    mixed, alone = service.submit([bad[ailment], good]), service.submit([bad[ailment]])
    record = service.end(alone)
    (error,) = service.errors(alone)
    assert record["status"] == "Fatal" and f"{error_class}: {error['info']}" in record["failure-info"]
    assert error["error-class"] == error_class and words in error["info"]
    assert error["file"] == str(bad[ailment])
    assert service.end(mixed)["status"] == "Complete"
    assert len(service.objects(mixed)) == 1
    check_accounts(service, mixed)


@pytest.mark.parametrize("selection, error_class, words", [
    ('[{"treename": "no_such_tree"}]', "KeyInFileError", "no_such_tree"),
    ('[{"treename": "mini", "filter_name": "no_such_branch"}]', "KeyInFileError", "no_such_branch"),
    ('[{"treename": "mini", "filter_name": "pt", "cut": "no_such_branch > 2"}]', "KeyInFileError", "no_such_branch"),
])
def test_what_is_not_in_the_file(service: Service, good: Path, selection: str, error_class: str, words: str) -> None:
    request_id = service.submit([good], selection)
    record = service.end(request_id)
    (error,) = service.errors(request_id)
    assert record["status"] == "Fatal" and words in record["failure-info"]
    assert (error["error-class"], error["attempts"]) == (error_class, 1)


def test_column_that_the_format_cannot_hold(service: Service, deep: Path) -> None:
    as_tree = service.submit([deep], NESTED)
    as_parquet = service.submit([deep], NESTED, **{"result-format": "parquet"})
    record = service.end(as_tree)
    assert record["status"] == "Fatal" and "which a TTree cannot hold" in record["failure-info"]
    assert "lists" in record["failure-info"] and "parquet" in record["failure-info"]
    assert service.end(as_parquet)["status"] == "Complete"


def test_directory_and_pipe_are_refused_at_submission(service: Service, good: Path) -> None:
    pipe = service.server.files / "pipe.root"
    os.mkfifo(pipe)
    assert "is not a regular file" in refused(service, [good, pipe])
    assert "is a directory" in refused(service, [service.server.files / "bad"])
    assert "is not a regular file" in refused(service, [f"file://{pipe}"])


def test_file_that_became_a_pipe_hangs_nobody(service: Service, good: Path) -> None:
    """After the submission, which would have refused it; to open it would take for ever."""
    path = write_file(service.server.files / "becomes_pipe.root")
    request_id = service.submit_python(f"""
        import os, uproot
        def run_query(input_filenames=None):
            if not os.path.samefile(input_filenames, {str(path)!r}):
                os.unlink({str(path)!r})
                os.mkfifo({str(path)!r})
            with uproot.open({{input_filenames: "mini"}}) as tree:
                return tree.arrays(["pt"])
        """, [good, path], workers=1)
    assert service.end(request_id)["files-completed"] == 1
    (error,) = service.errors(request_id)
    assert (error["error-class"], error["attempts"]) == ("NotAFile", 1)
    assert error["info"] == f"the input {path} is not a regular file"


def test_links_out_of_the_allowed_folders_are_refused(service: Service, good: Path, tmp_path: Path) -> None:
    outside = write_file(tmp_path / "outside.root")
    link, folder = service.server.files / "link.root", service.server.files / "linked"
    link.symlink_to(outside)
    folder.symlink_to(tmp_path)
    loop = service.server.files / "loop.root"
    loop.symlink_to(loop)
    for path in (link, folder / "outside.root", f"file://{link}", outside):
        assert "is outside the directories" in refused(service, [good, path])
    assert "loop.root" in refused_or_failed(service, loop)


def test_link_that_stays_inside_is_read(service: Service, good: Path) -> None:
    link = service.server.files / "inside.root"
    link.symlink_to(good)
    assert service.end(service.submit([link]))["status"] == "Complete"


def test_link_that_leads_out_to_nowhere_is_refused(service: Service, tmp_path: Path) -> None:
    path = service.server.files / "dangling.root"
    path.symlink_to(tmp_path / "not_yet_there.root")
    assert "is outside the directories" in refused(service, [path])


def test_file_deleted_between_submission_and_work(service: Service, good: Path) -> None:
    doomed = [write_file(service.server.files / f"doomed_{number}.root") for number in range(3)]
    source = f"""
        import os, uproot
        def run_query(input_filenames=None):
            for path in {[str(path) for path in doomed]!r}:
                if os.path.exists(path):
                    os.unlink(path)
            with uproot.open({{input_filenames: "mini"}}) as tree:
                return tree.arrays(["pt"])
        """
    request_id = service.submit_python(source, [good, *doomed], workers=1)
    record = service.end(request_id)
    assert (record["status"], record["files-completed"], record["files-failed"]) == ("Complete", 1, 3)
    assert {error["error-class"] for error in service.errors(request_id)} == {"FileNotFoundError"}
    check_accounts(service, request_id)


def test_path_named_twice_counts_once(service: Service, good: Path) -> None:
    spellings = [good, f"{good.parent}//{good.name}", f"{good.parent}/./{good.name}", f"file://{good}", good.name]
    request_id = service.submit(spellings)
    record = service.end(request_id)
    assert (record["status"], record["files"], record["files-completed"]) == ("Complete", 1, 1)
    check_accounts(service, request_id)


def test_fifty_files_of_one_name(service: Service) -> None:
    files = [write_file(service.server.files / f"same_{number}" / "name.root", number + 1) for number in range(50)]
    request_id = service.submit(files)
    assert service.end(request_id)["files-completed"] == 50
    rows = {result["total-events"] for result in service.results(request_id)}
    assert rows == set(range(1, 51))
    check_accounts(service, request_id)


def test_odd_names(service: Service, tmp_path: Path) -> None:
    names = ["with space", "with,comma", "with:colon", "mini:pt", "50% off", "100%25", "a#b", "a?b=c", "a+b", "a'b",
             'a"b', "größe-数-🍕", "e\u0301", "-rf", "--help", "~root", "*", "[a]", "{a}", "a;b", "a&b", "a|b",
             "a\\b", "$HOME",
             "a=b", "a@b", "!a", "x" * 200, ".hidden", "a.root", " leading", "CON", "`id`", "<tag>"]
    folder = service.server.files / "odd"
    files = [write_file(folder / f"{name}.root", number + 1) for number, name in enumerate(names)]
    listed, found = service.submit(files), service.submit(None, did=f"file://{folder}")
    assert service.end(listed)["files-completed"] == len(names), service.errors(listed)
    assert {result["file-path"]: result["total-events"] for result in service.results(listed)} == {
        str(file): number + 1 for number, file in enumerate(files)}
    for key, content in service.objects(listed).items():
        (tmp_path / "object.root").write_bytes(content)
        with uproot.open({tmp_path / "object.root": "mini"}) as tree:
            assert tree.num_entries in range(1, len(names) + 1), key
    check_accounts(service, listed)
    assert service.end(found)["files-failed"] == 0
    check_accounts(service, found)


def test_names_that_no_path_can_have_are_refused(service: Service, good: Path) -> None:
    for name in ("", " ", "a\0b.root", "a\nb.root", "../up.root", "a/../b.root", "a::b.root", "x" * 5000, "\ud800.root",
                 "simplecache::file:///etc/passwd", "zip://a::b"):
        assert refused(service, [good, name])


def test_name_longer_than_the_file_system_allows(service: Service) -> None:
    assert "x" * 100 in refused_or_failed(service, service.server.files / ("x" * 300 + ".root"))


def refused(service: Service, files: Sequence[object]) -> str:
    """The message with which a submission of these files is refused."""
    answer = service.post(files, RAW)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["message"])


def refused_or_failed(service: Service, file: object) -> str:
    """The message with which a submission of this file is refused, or ends."""
    answer = service.post([file])
    if answer.status_code == 400:
        return str(answer.json()["message"])
    record = service.end(answer.json()["request_id"])
    assert record["status"] == "Fatal"
    return str(record["failure-info"])
