"""Queries of uproot-raw."""
import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from servicex.codegen.generators import generate
from tests.codegen.conftest import FORMATS, RECORDED, Programs, raw, same

RAW = RECORDED["raw"]


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_filter_in_every_format(output_format: str, slim: Path, events: ak.Array, programs: Programs) -> None:
    stats = programs.run("uproot-raw", RAW["filter"], slim, output_format)
    result = programs.result(output_format, "Events")
    assert stats["total-events"] == len(events)
    assert same(result.Jet_pt, events.Jet_pt) and same(result.MET_pt, events.MET_pt)
    assert set(result.fields) - {"nJet_pt"} == {"Jet_pt", "MET_pt"}


def test_cut_expressions_and_aliases(slim: Path, events: ak.Array, programs: Programs) -> None:
    stats = programs.run("uproot-raw", RAW["cut"], slim)
    chosen = events[ak.any(events.Jet_pt > 50, axis=1)]
    result = programs.result()
    assert stats["total-events"] == len(events)
    assert same(result.Jet_pt, chosen.Jet_pt) and same(result.twice, chosen.MET_pt * 2)


def test_several_trees_under_names_of_their_own(samples: Path, programs: Programs) -> None:
    stats = programs.run("uproot-raw", RAW["trees"], samples / "nano_dy.root", "root-file")
    with uproot.open(programs.output) as file:
        kinds = {name: file.classname_of(name) for name in file.keys(cycle=False)}
        assert kinds == {"picked": "TTree", "Runs": "TTree"}
        assert all(name.startswith("MET_") for name in file["picked"].keys())
        assert file["Runs"].keys() == ["run", "nLHEScaleSumw_", "nLHEPdfSumw_"]
    assert stats["total-events"] == 40 + 1


def test_one_tree_read_by_two_queries_counts_once(mini: Path, programs: Programs) -> None:
    selection = raw({"treename": {"mini": "a"}, "filter_name": "x"}, {"treename": {"mini": "b"}, "cut": "n > 2"})
    assert programs.run("uproot-raw", selection, mini, "root-file")["total-events"] == 5
    assert len(programs.result("root-file", "a")) == 5
    assert programs.result("root-file", "b").n.to_list() == [3, 4]


@pytest.mark.parametrize("output_format", ["root-file", "root-rntuple"])
def test_histograms_are_copied_as_they_are(output_format: str, mini: Path, programs: Programs) -> None:
    programs.run("uproot-raw", RAW["histograms"], mini, output_format)
    with uproot.open(mini) as before, uproot.open(programs.output) as after:
        assert after["mini"].num_entries == 5
        for name in ("h1", "dir/h2"):
            assert after.classname_of(name) == before.classname_of(name)
            assert np.array_equal(after[name].values(), before[name].values())
            assert np.array_equal(after[name].axis().edges(), before[name].axis().edges())


def test_a_tree_is_no_histogram(mini: Path, programs: Programs) -> None:
    with pytest.raises(TypeError, match="'mini' is a TTree"):
        programs.run("uproot-raw", raw({"copy_histograms": "mini"}), mini, "root-file")


def test_a_pattern_copies_the_histograms_among_what_it_matches(mini: Path, programs: Programs) -> None:
    programs.run("uproot-raw", raw({"copy_histograms": "*"}), mini, "root-file")
    with uproot.open(programs.output) as after:
        assert sorted(after.keys(cycle=False)) == ["dir", "dir/h2", "h1"]


def test_a_pattern_that_matches_no_histogram_fails(mini: Path, programs: Programs) -> None:
    with pytest.raises(uproot.KeyInFileError, match="nothing that was asked for"):
        programs.run("uproot-raw", raw({"copy_histograms": "min*"}), mini, "root-file")


@pytest.mark.parametrize("tree", ["mini", "none"])
@pytest.mark.parametrize("query", [{"expressions": "nosuch"}, {"filter_name": "n", "cut": "nosuch > 1"},
                                   {"expressions": "a", "aliases": {"a": "nosuch"}}])
def test_a_branch_that_is_not_there_is_told_with_those_that_are(
        tree: str, query: dict[str, Any], mini: Path, programs: Programs) -> None:
    with pytest.raises(uproot.KeyInFileError, match=r"(?s)not found: 'nosuch'.*Available keys: .*'n'"):
        programs.run("uproot-raw", raw({"treename": tree, **query}), mini)


def test_a_missing_tree_is_passed_over_when_another_is_there(slim: Path, programs: Programs) -> None:
    programs.run("uproot-raw", RAW["missing_allowed"], slim, "root-file")
    with uproot.open(programs.output) as file:
        assert file.keys(cycle=False) == ["Events"]


def test_a_missing_tree_fails_when_it_must_be_there(slim: Path, programs: Programs) -> None:
    with pytest.raises(uproot.KeyInFileError, match="nope"):
        programs.run("uproot-raw", RAW["missing_forbidden"], slim, "root-file")


def test_a_file_with_nothing_of_what_was_asked_for_fails(mini: Path, programs: Programs) -> None:
    with pytest.raises(uproot.KeyInFileError, match="nope, gone"):
        programs.run("uproot-raw", raw({"treename": ["nope", "gone"]}), mini, "root-file")


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_with_nothing_is_written_empty_if_that_is_said_to_be_no_failure(
        output_format: str, mini: Path, programs: Programs) -> None:
    selection = raw({"treename": "nope", "fail_on_missing_trees": False})
    assert programs.run("uproot-raw", selection, mini, output_format)["total-events"] == 0
    if output_format == "parquet":
        assert programs.result().fields == []
    else:
        with uproot.open(programs.output) as file:
            assert file.keys() == []


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("query", [{"treename": "none", "cut": "n > 1"}, {"treename": "other", "cut": "n > 100"}])
def test_no_entry_leaves_the_columns(output_format: str, query: dict[str, str], mini: Path, programs: Programs) -> None:
    programs.run("uproot-raw", raw(query), mini, output_format)
    result = programs.result(output_format, query["treename"])
    assert result.fields == ["n"] and len(result) == 0


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_large_tree_is_read_in_steps(
        output_format: str, mini: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    files = generate("uproot-raw", raw({"treename": "mini"})).files
    files["generated_transformer.py"] = files["generated_transformer.py"].replace(b'"100 MB"', b"2")
    programs.write(files)
    assert programs.run_written(mini, output_format)["total-events"] == 5
    result = programs.result(output_format, "mini")
    assert result.x.to_list() == [[1, 2], [], [3], [4, 5, 6], [7]] and result.n.to_list() == [0, 1, 2, 3, 4]


def test_functions_act_within_events_unless_told_otherwise(mini: Path, programs: Programs) -> None:
    query = {"treename": "mini", "expressions": ["sum(x)"], "aliases": {"big": "any(x > 4)"}, "cut": "big"}
    programs.run("uproot-raw", raw(query), mini)
    assert programs.result()["sum(x)"].to_list() == [15, 7]
    programs.run("uproot-raw", raw(
        {"treename": "mini", "expressions": ["n - max(n)"], "use_standard_awkward_axis": True}), mini)
    assert programs.result()["n - max(n)"].to_list() == [-4, -3, -2, -1, 0]


def test_a_filter_that_matches_nothing_fails(mini: Path, programs: Programs) -> None:
    with pytest.raises(uproot.KeyInFileError, match=r"(?s)xx.*no branch matches"):
        programs.run("uproot-raw", raw({"treename": "mini", "filter_name": "xx"}), mini)


@pytest.mark.parametrize("name, parquet", [("filter", True), ("trees", False), ("histograms", False)])
def test_parquet_is_offered_for_one_table_only(name: str, parquet: bool) -> None:
    program = generate("uproot-raw", RAW[name])
    told = json.loads(program.files["transformer_capabilities.json"])["file-formats"]
    assert ("parquet" in program.formats) == ("parquet" in told) == parquet


def test_reading_what_was_written_keeps_its_counters(mini: Path, programs: Programs, tmp_path: Path) -> None:
    programs.run("uproot-raw", raw({"treename": "mini"}), mini, "root-file")
    again = programs.output.rename(tmp_path / "again.root")
    programs.run("uproot-raw", raw({"treename": "mini"}), again, "root-file")
    result = programs.result("root-file", "mini")
    assert result.nx.to_list() == [2, 0, 1, 3, 1] and result.x.to_list()[3] == [4, 5, 6]
