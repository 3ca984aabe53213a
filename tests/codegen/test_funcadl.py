"""FuncADL selections of the real client, compared with direct computation on real files."""
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from servicex.codegen.generators import generate
from tests.codegen.conftest import FORMATS, RECORDED, Programs, same

PHYSLITE = ("(call Select (call EventDataset 'bogus.root' 'CollectionTree') (lambda (list e) (dict (list 'pt') "
            "(list (call (attr (subscript e 'AnalysisJetsAuxDyn.pt') 'Where') (lambda (list j) (> j 20000)))))))")

Columns = dict[str, ak.Array]


def maths(e: ak.Array) -> Columns:
    return {"s": np.sqrt(e.Jet_pt), "a": abs(e.Jet_eta), "p": e.Jet_pt**2}


def if_and_or(e: ak.Array) -> Columns:
    return {"x": ak.where(e.nMuon > 1, 1, 0), "y": (e.nMuon > 0) & (e.nJet > 4), "z": (e.nMuon > 1) | (e.nJet > 6)}


def where_not(e: ak.Array) -> Columns:
    e = e[e.nMuon == 0]
    return {"n": e.nMuon, "met": e.MET_pt}


def inner(e: ak.Array) -> Columns:
    hard = e.Jet_pt[e.Jet_pt > 30]
    return {"pt": hard / 1000, "n": ak.num(hard)}


def zipped(e: ak.Array) -> Columns:
    chosen = (e.Jet_pt > 30) & (abs(e.Jet_eta) < 2.5)
    return {"jet_pt": e.Jet_pt[chosen], "jet_eta": e.Jet_eta[chosen]}


def reduced(e: ak.Array) -> Columns:
    pt = e.Jet_pt[ak.num(e.Jet_pt) > 1]
    return {"f": pt[:, 0], "m": ak.max(pt, axis=1, mask_identity=False), "s": ak.sum(pt, axis=1)}


EXPECTED: dict[str, Callable[[ak.Array], Columns]] = {
    "api columns": lambda e: {"pt": e.Jet_pt, "met": e.MET_pt},
    "api maths": maths,
    "api numpy": lambda e: {"s": np.sqrt(e.Jet_pt)},
    "api if_and_or": if_and_or,
    "api where_not": where_not,
    "api inner": inner,
    "api zip": zipped,
    "api zip_alone": lambda e: {"pt": e.Jet_pt, "eta": e.Jet_eta},
    "api many": lambda e: {"branch": ak.flatten(e.Jet_pt)},
    "api reduce": reduced,
    "api tuple": lambda e: {"met": e.MET_pt, "jet": e.Jet_pt[e.Jet_pt > 30]},
    "api none_pass": lambda e: {"pt": e.Jet_pt[:0], "met": e.MET_pt[:0]},
    "yaml columns": lambda e: {"pt": e.Jet_pt, "met": e.MET_pt},
    "yaml minus": lambda e: {"m": -e.MET_pt},
    "yaml inner": inner,
    "yaml zip": zipped,
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_selections_of_the_client_give_what_direct_reading_gives(
        name: str, slim: Path, events: ak.Array, programs: Programs) -> None:
    dialect, _, query = name.partition(" ")
    stats = programs.run("uproot", RECORDED[dialect][query], slim, "root-file")
    result, expected = programs.result("root-file"), EXPECTED[name](events)
    assert stats == {"total-events": len(events), "output-size": programs.output.stat().st_size}
    assert {field for field in result.fields if not field.startswith("n") or field == "n"} == set(expected)
    for column, values in expected.items():
        assert len(result) == len(values) and same(result[column], values), column


@pytest.mark.parametrize("output_format", FORMATS)
def test_real_nanoaod_in_every_format(
        output_format: str, samples: Path, events: ak.Array, programs: Programs) -> None:
    stats = programs.run("uproot", RECORDED["api"]["columns"], samples / "nano_dy.root", output_format)
    result = programs.result(output_format)
    assert stats["total-events"] == 40
    assert same(result.pt, events.Jet_pt) and same(result.met, events.MET_pt)


def test_real_physlite(samples: Path, programs: Programs) -> None:
    stats = programs.run("uproot", PHYSLITE, samples / "PHYSLITE_example.root")
    with uproot.open({samples / "PHYSLITE_example.root": "CollectionTree"}) as tree:
        pt = tree["AnalysisJetsAuxDyn.pt"].array()
    assert stats["total-events"] == len(pt)
    assert same(programs.result().pt, pt[pt > 20000])


def test_a_column_with_a_dot_can_be_written_as_attribute() -> None:
    source = generate("uproot", PHYSLITE.replace("subscript e", "attr e")).files["generated_transformer.py"]
    assert b"e['AnalysisJetsAuxDyn.pt']" in source


def test_the_result_can_be_read_by_func_adl_uproot_itself(slim: Path, events: ak.Array, programs: Programs) -> None:
    from func_adl_uproot import generate_function

    programs.run("uproot", RECORDED["api"]["columns"], slim, "root-file")
    again = generate_function("(Select (call EventDataset 'bogus.root' 'servicex') (lambda (list e) (attr e 'pt')))")
    assert same(again([str(programs.output)]), events.Jet_pt)


def test_whole_events_can_be_asked_for(slim: Path, events: ak.Array, programs: Programs) -> None:
    programs.run("uproot", "(Where (call EventDataset 'x' 'Events') (lambda (list e) (> (attr e 'nMuon') 0)))", slim)
    assert set(events.fields) <= set(programs.result().fields)
    assert len(programs.result()) == ak.sum(events.nMuon > 0)


def test_four_vectors(slim: Path, events: ak.Array, programs: Programs) -> None:
    import vector

    jets = ("(Zip (dict (list 'pt' 'eta' 'phi' 'mass') "
            "(list (attr e 'Jet_pt') (attr e 'Jet_eta') (attr e 'Jet_eta') (attr e 'Jet_pt'))))")
    energy = f"(attr (call (attr {jets} 'ToFourMomenta')) 'energy')"
    query = f"(Select (call EventDataset 'x' 'Events') (lambda (list e) (dict (list 'energy') (list {energy}))))"
    programs.run("uproot", query, slim)
    expected = vector.zip({"pt": events.Jet_pt, "eta": events.Jet_eta, "phi": events.Jet_eta, "mass": events.Jet_pt})
    assert same(programs.result().energy, expected.energy)


def test_rntuples_are_read_too(slim: Path, events: ak.Array, programs: Programs, tmp_path: Path) -> None:
    path = tmp_path / "ntuple.root"
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", events.layout.form).extend(events)
    stats = programs.run("uproot", RECORDED["api"]["columns"], path)
    assert stats["total-events"] == len(events)
    assert same(programs.result().pt, events.Jet_pt)


def test_a_missing_column_is_named_with_those_that_are_like_it(slim: Path, programs: Programs) -> None:
    query = RECORDED["api"]["columns"].replace("Jet_pt", "Jet_ptt")
    with pytest.raises(uproot.KeyInFileError, match=r"(?s)'Jet_ptt'.*'Jet_pt'"):
        programs.run("uproot", query, slim)


def test_a_missing_tree_is_named(mini: Path, programs: Programs) -> None:
    with pytest.raises(uproot.KeyInFileError, match="Events"):
        programs.run("uproot", RECORDED["api"]["columns"], mini)
