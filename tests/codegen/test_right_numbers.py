"""What would be wrong numbers without a word: functions over the wrong axis, missing values in the wrong places."""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from servicex.codegen.generators import generate
from servicex.codegen.programs import transform_single_file as program
from servicex.codegen.programs import uproot_raw
from servicex.errors import InvalidSelection
from tests.codegen.conftest import FORMATS, Programs

JETS = ak.Array([[1.0, 2.0], [3.0, 4.0, 5.0], [], [6.0]])


@pytest.fixture
def jets(tmp_path: Path) -> Path:
    """Four events with lists of different lengths."""
    path = tmp_path / "jets.root"
    with uproot.recreate(path) as file:
        file.mktree("mini", {"j": "var * float64", "x": "float64"})
        file["mini"].extend({"j": JETS, "x": np.array([1.0, 5.0, 2.0, 4.0])})
    return path


def funcadl(expression: str) -> str:
    return ("(call Select (call EventDataset 'bogus.root' 'mini') "
            f"(lambda (list e) (dict (list 'v') (list {expression}))))")


@pytest.mark.parametrize("function, expected", [
    ("len", [2, 3, 0, 1]), ("sum", [3.0, 12.0, 0.0, 6.0]), ("max", [2.0, 5.0, None, 6.0]),
    ("min", [1.0, 3.0, None, 6.0])])
def test_functions_of_lists_stay_within_their_event(jets: Path, programs: Programs, function: str,
                                                    expected: list[float | None]) -> None:
    programs.run("uproot", funcadl(f"(call {function} (subscript e 'j'))"), jets, "parquet")
    assert programs.result().v.tolist() == expected


def test_cut_on_the_length_of_a_list(jets: Path, programs: Programs) -> None:
    query = ("(call Select (call Where (call EventDataset 'bogus.root' 'mini') (lambda (list e) "
             "(> (call len (subscript e 'j')) 1))) (lambda (list e) (dict (list 'x') (list (subscript e 'x')))))")
    programs.run("uproot", query, jets, "parquet")
    assert programs.result().x.tolist() == [1.0, 5.0]


@pytest.mark.parametrize("expression, expected", [
    ("(call any (> (subscript e 'j') 3))", [False, True, False, True]),
    ("(call all (> (subscript e 'j') 3))", [False, False, True, True]),
    ("(call max (subscript e 'x') 3)", [3.0, 5.0, 3.0, 4.0]),
    ("(call min (subscript e 'j') (subscript e 'x'))", [[1.0, 1.0], [3.0, 4.0, 5.0], [], [4.0]]),
    ("(call sum (call max (subscript e 'j') (subscript e 'x')))", [3.0, 15.0, 0.0, 6.0]),
    ("(call round (/ (subscript e 'x') 2))", [0.0, 2.0, 1.0, 2.0])])
def test_functions_of_python_mean_the_values_of_an_event(jets: Path, programs: Programs, expression: str,
                                                         expected: list[Any]) -> None:
    programs.run("uproot", funcadl(expression), jets, "parquet")
    assert programs.result().v.tolist() == expected


@pytest.mark.parametrize("expression, advice", [
    ("(call max (subscript e 'x') 1 2)", "np.maximum"), ("(call round (subscript e 'x') 2)", "np.rint"),
    ("(call sum)", ".Sum()"), ("(call len (subscript e 'j') 1)", ".Count()"),
    ("(call sum (list (subscript e 'x') (subscript e 'x')))", "a + b"), ("(call any 1 2)", ".Any("),
    ("(call all 1 2)", ".All("), ("(call min (list (subscript e 'x')))", "np.minimum")])
def test_functions_that_would_go_over_the_file_are_refused(expression: str, advice: str) -> None:
    with pytest.raises(InvalidSelection) as refusal:
        generate("uproot", funcadl(expression))
    assert advice in str(refusal.value)


@pytest.mark.parametrize("function", ["len", "sum", "any"])
def test_function_of_a_plain_column_is_no_number_of_the_whole_file(jets: Path, programs: Programs,
                                                                   function: str) -> None:
    with pytest.raises(TypeError, match="a list is needed"):
        programs.run("uproot", funcadl(f"(call {function} (subscript e 'x'))"), jets, "parquet")


def test_sum_of_a_list_of_columns_is_one_number_an_event(jets: Path, programs: Programs) -> None:
    both = "(list (subscript e 'x') (subscript e 'x'))"
    programs.run("uproot", funcadl(f"(call (attr {both} 'Sum'))"), jets, "parquet")
    assert programs.result().v.tolist() == [2.0, 10.0, 4.0, 8.0]


OPTIONS = {
    "masked": ak.mask(ak.Array([0, 1, 2, 3, 4]), [True, False, True, False, True]),
    "bits": ak.Array(ak.mask(ak.Array([0, 1, 2, 3, 4]), [True, False, True, False, True]).layout.to_BitMaskedArray(
        True, True)),
    "max": ak.max(JETS, axis=1),
    "indexed": ak.firsts(JETS),
    "lists": ak.mask(JETS, [False, True, True, False]),
    "in lists": ak.mask(JETS, JETS > 2),
    "texts": ak.mask(ak.Array(["a", "bb", "ccc"]), [False, True, True]),
    "flags": ak.mask(ak.Array([True, False, True]), [False, True, True]),
    "numpy": ak.from_numpy(np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])),
    "sliced": ak.mask(ak.Array([9, 1, 2, 3]), [True, True, False, True])[1:],
    "unmasked": ak.Array(ak.contents.UnmaskedArray(ak.contents.NumpyArray(np.array([1.0, 2.0])))),
    "shuffled": ak.Array(ak.contents.IndexedOptionArray(ak.index.Index32(np.array([2, -1, 0], dtype=np.int32)),
                                                        ak.contents.NumpyArray(np.array([1.0, 2.0, 3.0])))),
}


@pytest.mark.parametrize("output_format", ["root-rntuple", "parquet"])
@pytest.mark.parametrize("name", OPTIONS)
def test_missing_values_stay_where_they_are(tmp_path: Path, name: str, output_format: str) -> None:
    output = tmp_path / "output"
    program.WRITERS[output_format](iter([("servicex", {"v": OPTIONS[name]})]), str(output))
    if output_format == "parquet":
        read = ak.from_parquet(output).v
    else:
        with uproot.open({output: "servicex"}) as ntuple:
            read = ntuple["v"].array()
    assert read.tolist() == OPTIONS[name].tolist()


def filled(value: Any) -> Any:
    """What a TTree has in the place of a missing value, in a form that can be compared."""
    return "missing" if value is None or value != value else value


@pytest.mark.parametrize("name, empty", [
    (name, {"lists": [], "texts": ""}.get(name, "missing")) for name in OPTIONS])
def test_missing_values_stay_where_they_are_in_a_ttree(tmp_path: Path, name: str, empty: Any) -> None:
    output = tmp_path / "output"
    program.WRITERS["root-file"](iter([("servicex", {"v": OPTIONS[name]})]), str(output))
    with uproot.open({output: "servicex"}) as tree:
        read = tree["v"].array().tolist()
    expected = [empty if value is None else value for value in OPTIONS[name].tolist()]
    if name == "in lists":
        read, expected = [[filled(v) for v in one] for one in read], [[filled(v) for v in one] for one in expected]
    assert [filled(value) for value in read] == expected


def test_pieces_that_tell_missing_values_differently_fit_together(tmp_path: Path) -> None:
    pieces = [OPTIONS["numpy"], OPTIONS["shuffled"], OPTIONS["unmasked"], OPTIONS["max"]]
    output = tmp_path / "output"
    program.WRITERS["root-rntuple"](iter([("servicex", {"v": piece}) for piece in pieces]), str(output))
    with uproot.open({output: "servicex"}) as ntuple:
        assert ntuple["v"].array().tolist() == [value for piece in pieces for value in piece.tolist()]


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("later", [[1.5], [None, 2]])
def test_piece_of_another_type_is_refused(tmp_path: Path, output_format: str, later: list[Any]) -> None:
    def pieces() -> Iterator[tuple[str, Any]]:
        yield "servicex", {"v": ak.Array([1, 2])}
        yield "servicex", {"v": ak.Array(later)}
    with pytest.raises(TypeError, match="other types.*int64"):
        program.WRITERS[output_format](pieces(), str(tmp_path / "output"))


def test_coarser_floats_in_a_later_piece_are_refused(tmp_path: Path) -> None:
    pieces = iter([("servicex", {"v": np.array([1.0])}), ("servicex", {"v": np.array([1.0], dtype=np.float32)})])
    with pytest.raises(TypeError, match="'v': .*float64.*float32"):
        program.WRITERS["parquet"](pieces, str(tmp_path / "output"))


def test_column_beside_a_record_of_its_name_is_refused(tmp_path: Path) -> None:
    table = {"jet": ak.zip({"pt": JETS}), "jet_pt": np.arange(4.0)}
    with pytest.raises(TypeError, match="jet_pt"):
        program.WRITERS["root-file"](iter([("servicex", table)]), str(tmp_path / "output"))


def test_records_whose_branches_have_the_same_name_are_refused(tmp_path: Path) -> None:
    table = {"a": ak.zip({"b_c": JETS}), "a_b": ak.zip({"c": JETS})}
    with pytest.raises(TypeError, match="a_b_c"):
        program.WRITERS["root-file"](iter([("servicex", table)]), str(tmp_path / "output"))


def test_large_integers_beside_missing_ones_are_refused_in_a_ttree(tmp_path: Path) -> None:
    for value, fits in ((2**53, True), (2**53 + 1, False)):
        pieces = iter([("servicex", {"v": ak.Array([value, None])})])
        if fits:
            program.WRITERS["root-file"](pieces, str(tmp_path / "output"))
            continue
        with pytest.raises(TypeError, match="root-rntuple"):
            program.WRITERS["root-file"](pieces, str(tmp_path / "output"))


@pytest.mark.parametrize("query", [
    {"cut": "x > max(x, axis=None) - 0.5"}, {"cut": "x > max(x) - 0.5", "use_standard_awkward_axis": True},
    {"cut": "x > max(x, axis=0) - 0.5"}])
def test_function_over_all_events_sees_them_all(jets: Path, query: dict[str, Any],
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uproot_raw, "STEP_BYTES", 16)
    monkeypatch.setattr(uproot_raw, "FEWEST_ENTRIES", 2)
    monkeypatch.setattr(uproot_raw, "QUERIES", [{"treename": {"mini": "mini"}, "filter_name": "x", **query}])
    read = [piece.x.tolist() for _, piece in uproot_raw.run_query(str(jets))]
    assert sum(read, []) == [5.0]


@pytest.mark.parametrize("expression, expected", [("sort(x, axis=0)", [1, 2, 4, 5]), ("x[::-1]", [4, 2, 5, 1])])
def test_order_of_a_flat_column_is_that_of_the_whole_file(jets: Path, monkeypatch: pytest.MonkeyPatch,
                                                          expression: str, expected: list[float]) -> None:
    monkeypatch.setattr(uproot_raw, "STEP_BYTES", 16)
    monkeypatch.setattr(uproot_raw, "FEWEST_ENTRIES", 2)
    monkeypatch.setattr(uproot_raw, "QUERIES", [{"treename": {"mini": "mini"}, "expressions": ["v"],
                                                 "aliases": {"v": expression}}])
    read = [piece.v.tolist() for _, piece in uproot_raw.run_query(str(jets))]
    assert sum(read, []) == expected


def test_cut_that_an_event_cannot_tell_is_not_passed(jets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = {"treename": {"mini": "mini"}, "filter_name": "x", "cut": "max(j) > 2"}
    monkeypatch.setattr(uproot_raw, "QUERIES", [query])
    assert [piece.x.tolist() for _, piece in uproot_raw.run_query(str(jets))] == [[5.0, 4.0]]


def test_other_queries_are_read_in_steps(jets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uproot_raw, "STEP_BYTES", 16)
    monkeypatch.setattr(uproot_raw, "FEWEST_ENTRIES", 2)
    query = json.loads('{"treename": {"mini": "mini"}, "filter_name": "x", "aliases": {"y": "2 * x"}}')
    monkeypatch.setattr(uproot_raw, "QUERIES", [query])
    assert [len(piece) for _, piece in uproot_raw.run_query(str(jets))] == [2, 2]
