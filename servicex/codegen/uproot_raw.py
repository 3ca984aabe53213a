"""The generator `uproot-raw`: uproot's own array queries and copies of histograms, as a JSON list."""
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from servicex.codegen.catalogue import ALL_FORMATS, PARQUET
from servicex.codegen.source import runtime
from servicex.errors import InvalidSelection


def translate(selection: str) -> tuple[str, frozenset[str]]:
    """The source of `generated_transformer.py`, and the formats it can write. Raises `InvalidSelection`."""
    queries = [_query(number, query) for number, query in enumerate(_loaded(selection), start=1)]
    trees = _output_trees(queries)
    only_one_table = len(trees) == 1 and not any("copy_histograms" in query for query in queries)
    formats = ALL_FORMATS if only_one_table else ALL_FORMATS - {PARQUET}
    return f"{runtime('uproot_raw')}\n\nQUERIES = {queries!r}\n", formats


def _loaded(selection: str) -> list[Any]:
    try:
        queries = json.loads(selection)
    except ValueError as error:
        raise InvalidSelection(f"The uproot-raw selection is not valid JSON: {error}.") from None
    if not isinstance(queries, list):
        raise InvalidSelection("The uproot-raw selection must be a list of queries, also when there is only one.")
    if not queries:
        raise InvalidSelection("The uproot-raw selection holds no query.")
    return queries


def _output_trees(queries: list[dict[str, Any]]) -> list[str]:
    """The names of the trees that are written. Raises `InvalidSelection` if two queries write the same one."""
    trees = [name for query in queries for name in query.get("treename", {}).values()]
    for name, times in Counter(trees).items():
        if times > 1:
            raise InvalidSelection(f"More than one query writes the tree {name!r}; "
                                   f'name the outputs with "treename": {{"input tree": "output tree"}}.')
    return trees


def _query(number: int, query: Any) -> dict[str, Any]:
    """The query with its unset keys left out, trees as {input: output} and histograms as a list."""
    if not isinstance(query, dict):
        raise InvalidSelection(f"Query {number} of the uproot-raw selection must be an object with a treename.")
    given = {key: value for key, value in query.items() if value is not None}
    kind = _kind(number, given)
    for key, value in given.items():
        if key not in KEYS[kind]:
            raise InvalidSelection(f"Query {number}: unknown key {key!r}; a {kind} query has {', '.join(KEYS[kind])}.")
        given[key] = _checked(number, key, value, KEYS[kind][key])
    return given


def _kind(number: int, query: dict[str, Any]) -> str:
    if "treename" in query and "copy_histograms" in query:
        raise InvalidSelection(f"Query {number} has both treename and copy_histograms; make two queries of it.")
    for kind in KEYS:
        if kind in query:
            return kind
    raise InvalidSelection(f"Query {number} has neither treename nor copy_histograms.")


def _checked(number: int, key: str, value: Any, check: Callable[[Any], Any]) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise InvalidSelection(f"Query {number}: {key} must be {error}.") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _texts(value: Any) -> list[str]:
    if isinstance(value, list) and not value:
        raise ValueError("a text or a list of texts, not an empty list")
    try:
        return [_text(item) for item in (value if isinstance(value, list) else [value])]
    except ValueError:
        raise ValueError("a text or a list of texts that are not empty") from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _mapping(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise ValueError("an object of texts that is not empty")
    return {_text(key): _text(item) for key, item in value.items()}


def _trees(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return _mapping(value)
    return {name: name for name in _texts(value)}


KEYS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "treename": {
        "treename": _trees,
        "expressions": _texts,
        "cut": _text,
        "filter_name": _texts,
        "filter_typename": _texts,
        "aliases": _mapping,
        "fail_on_missing_trees": _flag,
        "use_standard_awkward_axis": _flag,
    },
    "copy_histograms": {"copy_histograms": _texts},
}
