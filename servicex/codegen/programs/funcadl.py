"""Reads the columns that a FuncADL query needs and applies the query to them."""
from __future__ import annotations

from typing import Any

import awkward as ak
import uproot


# These, and `select_columns`, are given anew at the end of each program.
TREE = ""
COLUMNS: list[str] | None = None

_entries: dict[str, int] = {}


def select_columns(events: ak.Array) -> Any:
    return events


def run_query(file_path: str) -> Any:
    """The result of the query for one file, which may be a path or a URL."""
    with uproot.open({file_path: None}) as file:
        tree = file[TREE]
        _entries[TREE] = int(tree.num_entries)
        events = _read(tree)
    return select_columns(events)


def entries_read(file_path: str) -> int:
    """The entries of the tree that `run_query` read last."""
    return _entries.get(TREE, 0)


def _read(tree: Any) -> ak.Array:
    if COLUMNS is None:
        return tree.arrays(filter_branch=_is_readable)
    wanted = set(COLUMNS)
    events = tree.arrays(filter_name=lambda name: name in wanted)
    for name in COLUMNS:
        if name not in events.fields:
            why = "it cannot be read as an array" if name in tree.keys() else "the query reads it"
            raise uproot.KeyInFileError(name, because=why, keys=tree.keys(), object_path=TREE)
    return events


def _is_readable(branch: Any) -> bool:
    """Whether awkward arrays can be made of the branch; when all are asked for, the others are passed over."""
    try:
        branch.interpretation.awkward_form(None)
    except Exception:
        return False
    return True
