"""Functions of the user's own, and all that they may return."""
import subprocess
import sys
from pathlib import Path

import awkward as ak
import pytest
import uproot

from servicex.codegen.generators import generate
from tests.codegen.conftest import FORMATS, RECORDED, Programs, encoded, same

BEFORE = """
import awkward as ak
import numpy as np

class Frame:
    columns = ["a", "s"]
    def __getitem__(self, name): return Column({"a": np.array([1, 2]), "s": np.array(["x", "yy"], dtype=object)}[name])

class Column:
    def __init__(self, values): self.values = values
    def to_numpy(self): return self.values

"""


def returning(expression: str) -> str:
    return f"{BEFORE}def run_query(input_filenames=None):\n    return {expression}\n"


@pytest.mark.parametrize("output_format", FORMATS)
def test_the_function_of_the_client_in_every_format(
        output_format: str, slim: Path, events: ak.Array, programs: Programs) -> None:
    stats = programs.run("python", RECORDED["python"]["function"], slim, output_format)
    result = programs.result(output_format)
    assert stats["total-events"] == len(events) == 40
    assert same(result.Jet_pt, events.Jet_pt) and same(result.MET_pt, events.MET_pt)


@pytest.mark.parametrize("output_format", ["root-file", "root-rntuple"])
def test_a_dict_of_tables_is_written_as_trees(output_format: str, slim: Path, programs: Programs) -> None:
    programs.run("python", RECORDED["python"]["text"], slim, output_format)
    kind = {"root-file": "TTree", "root-rntuple": "ROOT::RNTuple"}[output_format]
    with uproot.open(programs.output) as file:
        assert {name: file.classname_of(name) for name in file.keys(cycle=False)} == {"first": kind, "second": kind}
        assert file["first"].keys() == ["MET_pt"]


def test_several_trees_do_not_fit_into_parquet(slim: Path, programs: Programs) -> None:
    with pytest.raises(TypeError, match="Parquet holds a single table and cannot take 'second'"):
        programs.run("python", RECORDED["python"]["text"], slim, "parquet")


@pytest.mark.parametrize("expression, expected", [
    ("ak.Array({'a': [[1, 2], []]})", [{"a": [1, 2]}, {"a": []}]),
    ("ak.Array([[1, 2], []])", [{"branch": [1, 2]}, {"branch": []}]),
    ("ak.Record({'a': 1, 'b': [2]})", [{"a": 1, "b": [2]}]),
    ("ak.Array([[{'p': 1}], []])", [{"p": [1]}, {"p": []}]),
    ("np.arange(2)", [{"branch": 0}, {"branch": 1}]),
    ("np.ones((2, 2))", [{"branch": [1, 1]}, {"branch": [1, 1]}]),
    ("np.array([(1, 2.5)], dtype=[('i', 'i4'), ('f', 'f8')])", [{"i": 1, "f": 2.5}]),
    ("np.float32(1.5)", [{"branch": 1.5}]),
    ("np.array(3)", [{"branch": 3}]),
    ("7", [{"branch": 7}]),
    ("[1, 2]", [{"branch": 1}, {"branch": 2}]),
    ("[{'a': 1}, {'a': 2}]", [{"a": 1}, {"a": 2}]),
    ("{'a': [1, 2], 'b': np.array([3.0, 4.0]), 's': ['x', 'y']}",
     [{"a": 1, "b": 3, "s": "x"}, {"a": 2, "b": 4, "s": "y"}]),
    ("{'jet': ak.Array([[{'pt': 1}]]), 'met': [2]}", [{"jet": [{"pt": 1}], "met": 2}]),
    ("Frame()", [{"a": 1, "s": "x"}, {"a": 2, "s": "yy"}]),
    ("{'a': Column(np.arange(2))}", [{"a": 0}, {"a": 1}]),
    ("__import__('pyarrow').table({'a': [1, 2]})", [{"a": 1}, {"a": 2}]),
    ("ak.Array({'a': [1, None]})", [{"a": 1}, {"a": None}]),
    ("ak.Array({'a': [[], []]})", [{"a": []}, {"a": []}]),
    ("ak.Array({'a': np.ones(1, dtype='f2')})", [{"a": 1}]),
    ("(pair for pair in [('t', {'a': [1]}), ('t', {'a': [2]})])", [{"a": 1}, {"a": 2}]),
])
def test_results_of_many_kinds(expression: str, expected: list[object], mini: Path, programs: Programs) -> None:
    programs.run_source(returning(expression), mini)
    assert programs.result().to_list() == expected


@pytest.mark.parametrize("expression, message", [
    ("None", "returned None: is its return statement missing"),
    ("{}", "a table without columns"),
    ("{'a': [1, 2], 'b': [1]}", r"equally long; their lengths are {'a': 2, 'b': 1}"),
    ("object()", "cannot write a result of type builtins.object"),
    ("ak.Array({'a': [1, 'x']})", "the column 'a' holds union values"),
    ("ak.Array({'a': np.ones(2, dtype='c16')})", "complex128"),
])
def test_results_that_cannot_be_written(expression: str, message: str, mini: Path, programs: Programs) -> None:
    with pytest.raises(TypeError, match=message):
        programs.run_source(returning(expression), mini)


def test_a_dict_of_histograms_and_tables(mini: Path, programs: Programs) -> None:
    source = ("import uproot\ndef run_query(path):\n    file = uproot.open({path: None})\n"
              "    return {'h': file['h1'], 't': file['mini'].arrays(['n'])}\n")
    programs.run_source(source, mini, "root-file")
    with uproot.open(programs.output) as file:
        assert file["h"].values().tolist() == [2, 2, 2, 2, 2]
        assert file["t"]["n"].array().to_list() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("expression, entries", [
    ("uproot.open({path: 'mini'}).arrays()", 5),
    ("uproot.open({path: 'mini'})['n'].array()", 5),
    ("next(uproot.iterate({path: 'mini'}, step_size=2))", 5),
    ("[uproot.open({path: name}).arrays('n').n for name in ('mini', 'other', 'mini')]", 8),
    ("uproot.open({path: 'none'}).arrays()", 0),
    ("[1, 2]", 0),
])
def test_events_are_the_entries_of_the_trees_that_were_read(
        expression: str, entries: int, mini: Path, programs: Programs) -> None:
    source = f"import uproot\ndef run_query(path):\n    return {expression}\n"
    assert programs.run_source(source, mini)["total-events"] == entries
    assert programs.run_written(mini, "parquet")["total-events"] == entries


def test_what_is_no_root_file_counts_no_events(tmp_path: Path, programs: Programs) -> None:
    text = tmp_path / "numbers.txt"
    text.write_text("1 2 3")
    source = "import numpy as np\ndef run_query(path):\n    return {'a': np.loadtxt(path)}\n"
    assert programs.run_source(source, text)["total-events"] == 0
    assert programs.result().a.to_list() == [1, 2, 3]


def test_error_messages_keep_the_lines_of_the_user(mini: Path, programs: Programs) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        programs.run_source("\n\ndef run_query(path):\n    return 1 / 0\n", mini)
    assert caught.traceback[-1].lineno + 1 == 4


@pytest.mark.parametrize("source", [
    "def run_query(path): return 1",
    "def run_query(*paths): return 1",
    "def run_query(path, scale=2): return 1",
    "from mine import run_query",
    "run_query = lambda path: 1",
    "try:\n    import cupy\nexcept ImportError:\n    def run_query(path): return 1",
    "# -*- coding: utf-8 -*-\ndef run_query(path): return 'é'",
])
def test_sources_that_define_the_function(source: str) -> None:
    assert generate("python", encoded(source)).files["generated_transformer.py"].decode().startswith(source)


@pytest.mark.parametrize("output_format, name", [("root-file", "root"), ("parquet", "parquet")])
def test_the_script_prints_what_the_sidecar_reads(
        output_format: str, name: str, mini: Path, programs: Programs, tmp_path: Path) -> None:
    folder = programs.write(generate("python", RECORDED["python"]["function"].strip()).files)
    (folder / "generated_transformer.py").write_text(
        "def run_query(path):\n    return {'a': [1, 2]}\n\ndef entries_read(path):\n    return 5\n")
    done = _script(folder, str(mini), str(tmp_path / "out"), name)
    size = (tmp_path / "out").stat().st_size
    assert (done.returncode, done.stdout) == (0, f"Transform stats: Total Events: 5, resulting file size {size}\n")


def test_the_script_fails_with_a_message(programs: Programs, mini: Path, tmp_path: Path) -> None:
    folder = programs.write(generate("python", encoded("def run_query(path):\n    raise KeyError('oh')\n")).files)
    failed = _script(folder, str(mini), str(tmp_path / "out"), "parquet")
    assert failed.returncode == 1 and "KeyError: 'oh'" in failed.stderr and "Total Events" not in failed.stdout
    unknown = _script(folder, str(mini), str(tmp_path / "out"), "arrow")
    assert unknown.returncode == 1 and "unknown output format 'arrow'" in unknown.stderr
    assert _script(folder, str(mini)).returncode == 2


def _script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "transform_single_file.py", *arguments], cwd=folder, text=True,
                          capture_output=True, timeout=60)
