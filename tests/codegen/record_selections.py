"""Records what the real client sends for a set of queries: the tests' selections.json.

Run it with the client's own Python, whose package has our name:

    ~/.cache/servicex-tests/client/bin/python tests/codegen/record_selections.py > tests/codegen/selections.json
"""
import json
import sys
import tempfile
from pathlib import Path

from servicex.query import FuncADL_Uproot, PythonFunction, UprootRaw  # type: ignore[attr-defined]
from servicex.yaml_parser import YAML  # type: ignore[import-not-found]

EVENTS = FuncADL_Uproot().FromTree("Events")

API = {}
API["columns"] = EVENTS.Select(lambda e: {"pt": e["Jet_pt"], "met": e.MET_pt})
API["maths"] = EVENTS.Select(lambda e: {"s": sqrt(e.Jet_pt), "a": abs(e.Jet_eta), "p": e.Jet_pt**2})  # noqa: F821
API["numpy"] = EVENTS.Select(lambda e: {"s": np.sqrt(e.Jet_pt)})  # noqa: F821
API["if_and_or"] = EVENTS.Select(lambda e: {"x": 1 if e.nMuon > 1 else 0, "y": e.nMuon > 0 and e.nJet > 4, "z": e.nMuon > 1 or e.nJet > 6})  # noqa: E501
API["where_not"] = EVENTS.Where(lambda e: not (e.nMuon > 0)).Select(lambda e: {"n": e.nMuon, "met": e.MET_pt})
API["inner"] = EVENTS.Select(lambda e: {"pt": e["Jet_pt"].Where(lambda j: j > 30).Select(lambda j: j / 1000), "n": e.Jet_pt.Where(lambda j: j > 30).Count()})  # noqa: E501
API["zip"] = EVENTS.Select(lambda e: {"jet": Zip({"pt": e.Jet_pt, "eta": e.Jet_eta}).Where(lambda j: j.pt > 30 and abs(j.eta) < 2.5)})  # noqa: E501, F821
API["zip_alone"] = EVENTS.Select(lambda e: Zip({"pt": e.Jet_pt, "eta": e.Jet_eta}))  # noqa: F821
API["many"] = EVENTS.SelectMany(lambda e: e.Jet_pt)
API["reduce"] = EVENTS.Where(lambda e: e.Jet_pt.Count() > 1).Select(lambda e: {"f": e.Jet_pt.First(), "m": e.Jet_pt.Max(), "s": e.Jet_pt.Sum()})  # noqa: E501
API["tuple"] = EVENTS.Select(lambda e: (e.MET_pt, e.Jet_pt)).Select(lambda z: {"met": z[0], "jet": z[1].Where(lambda j: j > 30)})  # noqa: E501
API["none_pass"] = EVENTS.Where(lambda e: e.nMuon > 1000).Select(lambda e: {"pt": e.Jet_pt, "met": e.MET_pt})

YAML_TEXT = {
    "columns": "FromTree('Events').Select(lambda e: {'pt': e['Jet_pt'], 'met': e.MET_pt})",
    "minus": "FromTree('Events').Select(lambda e: {'m': -e.MET_pt})",
    "inner": "FromTree('Events').Select(lambda e: {'pt': e['Jet_pt'].Where(lambda j: j > 30)"
             ".Select(lambda j: j / 1000), 'n': e.Jet_pt.Where(lambda j: j > 30).Count()})",
    "zip": "FromTree('Events').Select(lambda e: {'jet': Zip({'pt': e.Jet_pt, 'eta': e.Jet_eta})"
           ".Where(lambda j: j.pt > 30 and abs(j.eta) < 2.5)})",
    "no_tree": "Select(lambda e: {'met': e.MET_pt})",
}

RAW = {
    "filter": UprootRaw({"treename": "Events", "filter_name": ["Jet_pt", "MET_pt"]}),
    "cut": UprootRaw([{"treename": "Events", "expressions": ["Jet_pt", "twice"], "cut": "any(Jet_pt > 50)",
                       "aliases": {"twice": "MET_pt * 2"}}]),
    "trees": UprootRaw([{"treename": {"Events": "picked"}, "filter_name": "MET_*"},
                        {"treename": ["Runs"], "filter_typename": "/.*uint.*/"}]),
    "missing_allowed": UprootRaw([{"treename": ["Events", "nope"], "filter_name": "nMuon"}]),
    "missing_forbidden": UprootRaw([{"treename": ["Events", "nope"], "filter_name": "nMuon",
                                     "fail_on_missing_trees": True}]),
    "histograms": UprootRaw([{"treename": "mini", "filter_name": "x"}, {"copy_histograms": ["h*", "dir/h2"]}]),
}


def run_query(input_filenames=None):  # type: ignore[no-untyped-def]
    import uproot
    with uproot.open({input_filenames: "Events"}) as events:
        return events.arrays(["Jet_pt", "MET_pt"])


PYTHON = {
    "function": PythonFunction().with_uproot_function(run_query),
    "text": PythonFunction("""
        def run_query(input_filenames=None):
            import uproot
            with uproot.open({input_filenames: "Events"}) as events:
                return {"first": events.arrays(["MET_pt"]), "second": events.arrays(["Jet_pt"])}
    """),
}


def from_yaml() -> dict[str, str]:
    """The selections of the YAML texts, through the client's own reader of spec files."""
    yaml = YAML()
    yaml.register_class(FuncADL_Uproot)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.yaml"
        spec.write_text("\n".join(f'{name}: !FuncADL_Uproot "{text}"' for name, text in YAML_TEXT.items()))
        return {name: query.generate_selection_string() for name, query in yaml.load(spec).items()}


def selections(queries: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {name: query.generate_selection_string() for name, query in queries.items()}


if __name__ == "__main__":
    recorded = {"api": selections(API), "yaml": from_yaml(), "raw": selections(RAW), "python": selections(PYTHON)}
    json.dump(recorded, sys.stdout, indent=2)
    print()
