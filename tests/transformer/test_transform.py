"""One program applied to files, in a real child."""
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import uproot

from servicex.processes import Child, WarmParent
from servicex.transformer import TARGET
from tests.transformer.conftest import QUERY, program_files

Ask = Callable[[Sequence[str]], dict]


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmParent]:
    parent = WarmParent()
    yield parent
    parent.close()


@pytest.fixture
def run(warm: WarmParent, tmp_path: Path) -> Iterator[Callable[..., Ask]]:
    """Starts a child with a program; gives a function that has it transform one file into `result`."""
    children: list[Child] = []

    def start(files: dict[str, bytes], language: str = "python",
              command: str = "/generated/transform_single_file.py") -> Ask:
        program, scratch = tmp_path / "program", tmp_path / "scratch"
        program.mkdir()
        scratch.mkdir()
        for name, content in files.items():
            (program / name).write_bytes(content)
        child = warm.spawn(TARGET)
        children.append(child)
        child.send({"program": str(program), "language": language, "command": command, "result_format": "root-file",
                    "scratch": str(scratch)})

        def ask(paths: Sequence[str]) -> dict:
            child.send({"paths": list(paths), "output": str(tmp_path / "result")})
            return child.receive(20)
        return ask

    yield start
    for child in children:
        child.close()


def test_file_is_transformed(run, events_file, tmp_path):
    path = events_file()
    reply = run(program_files())([path])
    assert (reply["status"], reply["path"], reply["total_events"]) == ("success", path, 10)
    assert reply["output_size"] == (tmp_path / "result").stat().st_size and 0 < reply["seconds"] < 10
    with uproot.open({tmp_path / "result": "servicex"}) as tree:
        assert tree["x"].array().tolist() == [2.0 * x for x in range(10)]


def test_program_is_imported_once(run, events_file):
    query = "print('imported')\nimport os\nwith open('count', 'a') as f: f.write('x')\n" + QUERY
    query = query.replace("return ", "assert os.path.getsize('count') == 1\n    return ")
    ask = run(program_files(query))
    path = events_file()
    assert [ask([path])["status"] for _ in range(3)] == ["success"] * 3


def test_second_replica_is_read_when_the_first_fails(run, events_file, tmp_path):
    broken = tmp_path / "broken.root"
    broken.write_bytes(b"root" + b"\0" * 50)
    good = events_file()
    reply = run(program_files())([str(tmp_path / "missing.root"), str(broken), good])
    assert (reply["status"], reply["path"]) == ("success", good)


def test_all_replicas_failing_tells_of_all(run, events_file, tmp_path):
    reply = run(program_files())([str(tmp_path / "missing.root"), "http://127.0.0.1:9/x.root"])
    assert reply["status"] == "failure" and reply["error_class"] == "FileNotFoundError"
    assert "missing.root" in reply["message"] and "another replica: ClientConnectorError" in reply["message"]
    assert reply["retryable"] is True


@pytest.mark.parametrize("query, error_class, message", [
    ("def run_query(tree):\n    return tree['y'].array()", "KeyInFileError", "not found: 'y'"),
    ("def run_query(tree):\n    raise SystemExit('enough')", "SystemExit", "the program called sys.exit(enough)"),
    ("def run_query(tree):\n    raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
    ("def run_query(tree):\n    return run_query(tree)", "RecursionError", "maximum recursion depth exceeded"),
    ("def run_query(tree) return 1", "SyntaxError", "expected ':' (generated_transformer.py, line 1)"),
    ("import no_such_library", "ModuleNotFoundError", "No module named 'no_such_library'"),
    ("class E(BaseException): pass\ndef run_query(tree):\n    raise E('own')", "E", "own"),
])
def test_failing_program_fails_the_file_and_the_child_goes_on(run, events_file, query, error_class, message):
    ask = run(program_files(query))
    for _ in range(2):
        reply = ask([events_file()])
        assert (reply["status"], reply["error_class"], reply["retryable"]) == ("failure", error_class, False)
        assert reply["message"].startswith(message)
        assert reply["trace"].startswith("Traceback") and "servicex/transformer/attempt.py" not in reply["trace"]


def test_file_that_is_not_root_is_no_use_trying_again(run, tmp_path):
    path = tmp_path / "text.root"
    path.write_bytes(b"this is not a ROOT file" * 20)
    reply = run(program_files())([str(path)])
    assert reply["status"] == "failure" and reply["retryable"] is False
    assert "not a ROOT file" in reply["message"]


def test_empty_file_fails(run, tmp_path):
    path = tmp_path / "empty.root"
    path.touch()
    reply = run(program_files())([str(path)])
    assert reply["status"] == "failure" and "received 0 bytes" in reply["message"]


def test_truncated_file_fails(run, events_file):
    path = events_file(events=100_000)
    os.truncate(path, os.path.getsize(path) // 2)
    assert run(program_files())([path])["status"] == "failure"


def test_missing_tree_is_named(run, events_file):
    runner = program_files()["transform_single_file.py"].replace(b'"events"', b'"no_tree"').decode()
    reply = run(program_files(runner=runner))([events_file()])
    assert "no_tree" in reply["message"] and "Available keys: 'events;1'" in reply["message"]


def test_program_that_writes_nothing_fails(run, events_file):
    runner = "def transform_single_file(file_path, output_path, output_format):\n    return {'total-events': 1}"
    reply = run(program_files(runner=runner))([events_file()])
    assert (reply["error_class"], reply["retryable"]) == ("NoOutput", False)


def test_program_of_another_language_is_refused(run, events_file):
    reply = run(program_files(), language="bash", command="/generated/transform_single_file.sh")([events_file()])
    assert reply["error_class"] == "ProgramUnfit" and "'bash'" in reply["message"]


def test_program_without_the_function_is_refused(run, events_file):
    reply = run(program_files(runner="x = 1"))([events_file()])
    assert reply["error_class"] == "ProgramUnfit" and "does not define transform_single_file()" in reply["message"]


@pytest.mark.parametrize("returned", ["None", "{}", "{'total-events': 'many'}", "{'total-events': float('inf')}", "[]"])
def test_missing_count_of_events_is_nought(run, events_file, returned):
    runner = ("def transform_single_file(file_path, output_path, output_format):\n"
              f"    open(output_path, 'w').write('x')\n    return {returned}")
    reply = run(program_files(runner=runner))([events_file()])
    assert (reply["status"], reply["total_events"], reply["output_size"]) == ("success", 0, 1)


def test_temporary_files_of_the_program_land_in_the_scratch_folder(run, events_file, tmp_path):
    query = ("import subprocess, tempfile\nopen('relative', 'w').close()\ntempfile.mkstemp()\n"
             "subprocess.run(['mktemp'], check=True)\n" + QUERY)
    assert run(program_files(query))([events_file()])["status"] == "success"
    assert len(list((tmp_path / "scratch").iterdir())) == 3
