"""Runs uproot's own array queries over the trees of a file, step by step, and copies histograms."""
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import awkward as ak
import uproot

# Given anew at the end of each program: the queries of the selection, in order.
QUERIES: list[dict[str, Any]] = []

# A step holds about this many bytes of the columns read; a larger file costs no more memory than a small one.
STEP_BYTES = 100_000_000
# The entries of a step where the sizes of columns are not known, and the fewest that are worth a step.
STEP_ENTRIES = 50_000
FEWEST_ENTRIES = 1_000

ARGUMENTS = ("expressions", "cut", "filter_name", "filter_typename", "aliases")

# Functions in expressions and cuts that act within an event rather than over all events, unless told otherwise.
WITHIN_EVENTS = (
    "all", "any", "argmax", "argmin", "concatenate", "count", "count_nonzero", "max", "mean", "min", "moment",
    "nanargmax", "nanargmin", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "prod", "softmax",
    "std", "sum", "var")
# Another axis than those within an event, and what orders or cuts out events where a column is flat.
OVER_ALL = re.compile(r"axis\s*=\s*(?![1-9])|\b(?:arg)?sort\b|\[[^\]]*:")
OTHER_FUNCTIONS = (
    "almost_equal", "argcartesian", "argcombinations", "argsort", "broadcast_arrays", "broadcast_fields", "cartesian",
    "combinations", "drop_none", "fill_none", "firsts", "flatten", "is_none", "isclose", "mask", "num", "pad_none",
    "singletons", "sort", "where", "zip")

TREES = ("TTree", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")
HISTOGRAMS = ("TH1", "TH2", "TH3", "TProfile")

_entries: dict[str, int] = {}


def run_query(file_path: str) -> Iterator[tuple[str, Any]]:
    """Yield pairs of a name and a piece of that tree, or of a name and an object to be copied.

    Raises `uproot.KeyInFileError` for a tree that must be there, and if a file has nothing at all of what was asked
    for, unless the selection says that missing trees are no failure.
    """
    _entries.clear()
    with uproot.open({file_path: None}) as file:
        found = False
        for query in QUERIES:
            for piece in _run(file, query):
                found = True
                yield piece
        if not found and not all(query.get("fail_on_missing_trees") is False for query in QUERIES):
            raise uproot.KeyInFileError(_names(), because="nothing that was asked for is in the file", keys=file.keys())


def entries_read(file_path: str) -> int:
    """The entries of all input trees that `run_query` read last, each tree counted once."""
    return sum(_entries.values())


def _names() -> str:
    return ", ".join(name for query in QUERIES for name in query.get("treename") or query["copy_histograms"])


def _run(file: Any, query: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "copy_histograms" in query:
        yield from _copies(file, query["copy_histograms"])
        return
    for name, output in query["treename"].items():
        tree = _tree(file, name, bool(query.get("fail_on_missing_trees")))
        if tree is not None:
            _entries[name] = int(tree.num_entries)
            for chunk in _named_chunks(tree, name, query):
                yield output, chunk


def _copies(file: Any, names: list[str]) -> Iterator[tuple[str, Any]]:
    for key in dict.fromkeys(file.keys(filter_name=names, cycle=False)):
        kind = file.classname_of(key)
        if key in names and kind in TREES:
            raise TypeError(f"{key!r} is a {kind}, no histogram: ask for it by treename")
        # A pattern means the histograms among what it matches; what is named in full is copied whatever it is.
        if kind.startswith(HISTOGRAMS) or key in names and not kind.startswith("TDirectory"):
            yield key, file[key]


def _tree(file: Any, name: str, must_exist: bool) -> Any:
    """The tree, None if it is missing and may be."""
    try:
        return file[name]
    except uproot.KeyInFileError:
        if must_exist:
            raise
        return None


def _named_chunks(tree: Any, name: str, query: dict[str, Any]) -> Iterator[ak.Array]:
    """The pieces, and for a branch that is not there the names of those that are."""
    try:
        yield from _chunks(tree, name, query)
    except uproot.KeyInFileError as error:
        if error.keys:
            raise
        because = error.because or "the tree has no such branch"
        raise uproot.KeyInFileError(error.key, because=because, keys=tree.keys(), object_path=name) from None


def _chunks(tree: Any, name: str, query: dict[str, Any]) -> Iterator[ak.Array]:
    """The tree's selected columns in pieces: at least one, that has the columns though it may have no entries."""
    arguments: dict[str, Any] = {key: query[key] for key in ARGUMENTS if key in query}
    if arguments.get("cut"):
        # A cut that an event cannot tell, like that on the largest of no jets, is one that it does not pass.
        arguments["cut"] = f"fill_none(({arguments['cut']}), False)"
    arguments["language"] = _language(bool(query.get("use_standard_awkward_axis")))
    empty = True
    for chunk in tree.iterate(step_size=_step(tree, query), **arguments):
        empty = False
        yield _checked(chunk, tree, name, query)
    if empty:
        arguments.pop("cut", None)
        yield _checked(tree.arrays(entry_stop=0, **arguments), tree, name, query)


def _step(tree: Any, query: dict[str, Any]) -> int:
    """How many entries to read at once.

    uproot would find that out itself, by a request for each basket of each branch; the sizes that the tree's own header
    holds are good enough, and cost nothing on a remote server. What goes over all events must see them all at once.
    """
    if _over_all_events(query):
        return max(1, int(tree.num_entries))
    size = sum(_bytes(tree[name]) for name in _read(tree, query))
    if not size:
        return STEP_ENTRIES
    return max(FEWEST_ENTRIES, int(STEP_BYTES * tree.num_entries / size))


def _over_all_events(query: dict[str, Any]) -> bool:
    """Whether a function of the query may combine the values of different events."""
    return bool(query.get("use_standard_awkward_axis")) or OVER_ALL.search(_formulas(query)) is not None


def _formulas(query: dict[str, Any]) -> str:
    """All that the query computes, a line each."""
    expressions = query.get("expressions") or []
    expressions = [expressions] if isinstance(expressions, str) else list(expressions)
    return "\n".join([*expressions, query.get("cut") or "", *(query.get("aliases") or {}).values()])


def _read(tree: Any, query: dict[str, Any]) -> list[str]:
    """The branches that the query reads, about: those its filters let through, or those its expressions name."""
    if not query.get("expressions"):
        filters = {key: query[key] for key in ("filter_name", "filter_typename") if query.get(key)}
        return list(tree.keys(**filters))
    words = set(re.findall(r"\w+", _formulas(query)))
    return [name for name in tree.keys() if name in words]


def _bytes(branch: Any) -> int:
    """The uncompressed bytes of a TTree's branch, 0 for what is none."""
    known = branch.all_members.get("fTotBytes") if hasattr(branch, "all_members") else None
    return int(known or 0)


def _checked(chunk: ak.Array, tree: Any, name: str, query: dict[str, Any]) -> ak.Array:
    if not chunk.fields:
        wanted = str(query.get("filter_name") or query.get("filter_typename"))
        raise uproot.KeyInFileError(wanted, because="no branch matches the filter", keys=tree.keys(), object_path=name)
    return chunk


def _language(standard_axis: bool) -> Any:
    """uproot's language for expressions with the functions of awkward added."""
    functions = dict(uproot.language.python.PythonLanguage.default_functions)
    for name in WITHIN_EVENTS + OTHER_FUNCTIONS:
        if hasattr(ak, name):
            functions[name] = getattr(ak, name)
    if not standard_axis:
        functions.update({name: _with_axis(name, 1) for name in WITHIN_EVENTS if hasattr(ak, name)})
        functions["flatten"] = _with_axis("flatten", 2)
    return uproot.language.python.PythonLanguage(functions)


def _with_axis(name: str, axis: int) -> Any:
    """The function of awkward with another default for its axis; None, too, can be given explicitly."""
    function = getattr(ak, name)

    def call(*arguments: Any, **options: Any) -> Any:
        options.setdefault("axis", axis)
        return function(*arguments, **options)

    return call
