"""Run in the client's own environment: deliver samples and write down what came.

    python deliver_samples.py ORDER.json ANSWER.json

ORDER holds `cache`, `format` and `samples`, a list of {name, query, did | files}, and optionally `deliveries` (default:
LocalCache) and `fresh` (true: ignore the client's cache). A `query` is a name in `QUERIES` or the source of a Python
function; of a sample with a `codegen` it is the selection for that code generator. ANSWER holds per delivery and sample
`{"items": [path or URL, ...]}` or `{"error": text}`.
"""
import json
import sys
from pathlib import Path

from servicex import General, ProgressBarFormat, Sample, ServiceXSpec, dataset, deliver, query

READ_JETS = """
def run_query(input_filenames=None):
    import uproot
    with uproot.open({input_filenames: "Events"}) as events:
        return events.arrays(["nJet", "Jet_pt"])
"""


def funcadl() -> query.FuncADL_Uproot:
    return (query.FuncADL_Uproot().FromTree("Events")
            .Where(lambda e: e.nMuon >= 2)
            .Select(lambda e: {"n": e.nMuon, "pt": e.Muon_pt, "hard": e.Muon_pt.Where(lambda pt: pt > 20)}))


def raw() -> query.UprootRaw:
    return query.UprootRaw({"treename": "Events", "cut": "nMuon >= 2", "filter_name": ["nMuon", "Muon_pt", "Muon_eta"]})


def python() -> query.PythonFunction:
    return query.PythonFunction(READ_JETS)


def no_such_tree() -> query.UprootRaw:
    return query.UprootRaw({"treename": "Nothing", "filter_name": "x"})


def no_such_branch() -> query.FuncADL_Uproot:
    return query.FuncADL_Uproot().FromTree("Events").Select(lambda e: {"x": e.NoSuchBranch})


def no_such_function() -> query.FuncADL_Uproot:
    return query.FuncADL_Uproot().FromTree("Events").Select("lambda e: {'x': no_such_function(e.nMuon)}")


QUERIES = {make.__name__: make for make in (funcadl, raw, python, no_such_tree, no_such_branch, no_such_function)}


def sample(wanted: dict) -> Sample:
    """The client's own object for one wanted sample."""
    if "did" in wanted:
        scheme, _, name = wanted["did"].partition("://")
        identifier = dataset.GenericDataSet(scheme, name)
    else:
        identifier = dataset.FileList(wanted["files"])
    name = wanted["query"]
    if "codegen" in wanted:
        return Sample(Name=wanted["name"], Dataset=identifier, Query=name, Codegen=wanted["codegen"])
    made = QUERIES[name]() if name in QUERIES else query.PythonFunction(name)
    return Sample(Name=wanted["name"], Dataset=identifier, Query=made)


def outcome(guarded) -> dict:
    """What the client's guarded list holds, or why it holds nothing."""
    try:
        return {"items": [str(item) for item in guarded]}
    except Exception as error:
        return {"error": str(error)}


def main(order_file: str, answer_file: str) -> None:
    order = json.loads(Path(order_file).read_text())
    answer = {}
    for delivery in order.get("deliveries", ["LocalCache"]):
        spec = ServiceXSpec(General=General(OutputFormat=order["format"], Delivery=delivery),
                            Sample=[sample(wanted) for wanted in order["samples"]])
        delivered = deliver(spec, ignore_local_cache=order.get("fresh", False), cache_dir=order["cache"],
                            progress_bar=ProgressBarFormat.none)
        answer[delivery] = {name: outcome(guarded) for name, guarded in delivered.items()}
    Path(answer_file).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
