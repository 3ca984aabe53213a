"""What is in a delivered file, and what should be: the same selection made by hand from the file it came from."""
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import pyarrow.parquet
import requests
import uproot

Rows = list[dict[str, Any]]


def delivered_rows(item: str, columns: Sequence[str], scratch: Path) -> Rows:
    """The rows of a delivered file, given by its path or its signed URL; a URL's object is first saved in `scratch`."""
    path = _fetched(item, scratch) if item.startswith("http") else Path(item)
    if path.read_bytes()[:4] == b"PAR1":
        rows: Rows = pyarrow.parquet.read_table(path).select(list(columns)).to_pylist()
        return rows
    with uproot.open({path: None}) as file:
        return _listed(file[file.keys()[0]].arrays(list(columns)))


def _fetched(url: str, scratch: Path) -> Path:
    answer = requests.get(url, timeout=20)
    assert answer.status_code == 200, answer.text
    path = scratch / "object"
    path.write_bytes(answer.content)
    return path


def container(path: Path) -> str:
    """What the file is: `parquet`, or the class of the first thing in a ROOT file."""
    if path.read_bytes()[:4] == b"PAR1":
        return "parquet"
    with uproot.open({path: None}) as file:
        return str(next(iter(file.classnames().values())))


def ordinal(rows: Rows) -> str:
    """Something to sort by."""
    return json.dumps(rows, sort_keys=True)


def _listed(array: ak.Array) -> Rows:
    rows: Rows = ak.to_list(array)
    return rows


@functools.cache
def funcadl_rows(source: Path) -> Rows:
    """What the query `funcadl` of `client_scripts/deliver_samples.py` selects."""
    with uproot.open({source: "Events"}) as tree:
        events = tree.arrays(["nMuon", "Muon_pt"])
    events = events[events.nMuon >= 2]
    pt = events.Muon_pt
    return _listed(ak.zip({"n": events.nMuon, "pt": pt, "hard": pt[pt > 20]}, depth_limit=1))


@functools.cache
def raw_rows(source: Path) -> Rows:
    """What the query `raw` selects."""
    with uproot.open({source: "Events"}) as tree:
        events = tree.arrays(["nMuon", "Muon_pt", "Muon_eta"])
    return _listed(events[events.nMuon >= 2])


@functools.cache
def python_rows(source: Path) -> Rows:
    """What the query `python` selects."""
    with uproot.open({source: "Events"}) as tree:
        return _listed(tree.arrays(["nJet", "Jet_pt"]))


EXPECTED = {"funcadl": funcadl_rows, "raw": raw_rows, "python": python_rows}
COLUMNS = {"funcadl": ("n", "pt", "hard"), "raw": ("nMuon", "Muon_pt", "Muon_eta"), "python": ("nJet", "Jet_pt")}
