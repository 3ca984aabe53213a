"""Reads the columns that a FuncADL query needs and applies the query to them."""
from __future__ import annotations

import functools
import types
from typing import Any

import awkward as ak
import numpy as np  # noqa: F401  the query may use it
import uproot


def _of_arrays(name: str) -> Any:
    """A function of awkward that refuses a list of columns, for it would go over the events of each column."""
    def call(values: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(values, (list, tuple, dict)):
            raise TypeError(f"{name} of several columns: write a + b, np.maximum(a, b) or the like instead")
        return getattr(ak, name)(values, *arguments, **options)
    return functools.wraps(getattr(ak, name))(call)


# The query is written for dask_awkward. Plain awkward arrays know the same functions, and once the columns are known
# dask has nothing to add but 1.6 s a file to name its tasks (1,500 branches).
dak = types.SimpleNamespace(**{**vars(ak), **{name: _of_arrays(name) for name in (
    "num", "sum", "min", "max", "any", "all")}})

# These, and `select`, are given anew at the end of each program.
TREE = ""
COLUMNS: list[str] | None = None

_entries: dict[str, int] = {}


def select(events: ak.Array) -> Any:
    return events


def run_query(file_path: str) -> Any:
    """The result of the query for one file, which may be a path or a URL."""
    with uproot.open({file_path: None}) as file:
        tree = file[TREE]
        _entries[TREE] = int(tree.num_entries)
        events = _read(tree)
    return select(events)


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
