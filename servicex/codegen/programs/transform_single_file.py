"""Runs the generated program beside it over one file and writes what it gives.

    python transform_single_file.py INPUT OUTPUT FORMAT

exits with 0, or says what went wrong. INPUT is a path or a URL; OUTPUT is overwritten; FORMAT is `root-file` (TTrees;
`root` means the same), `root-rntuple` or `parquet`. The program is the module `generated_transformer` with
`entries_read(file_path)` and `run_query(file_path)`, which may return:

* an awkward array; a numpy array, plain or structured; a pandas, polars or pyarrow table; a list; a number;
* a dict of columns, each one of the above;
* a dict of trees: name to any of the above that has columns of its own, or to a histogram;
* a generator of pairs of a name and a piece of that tree, or a histogram.

What has no name is written as the tree `servicex`, what has no columns as the column `branch`. All pieces of a tree
have the columns and types of the first one that tells them.
"""
from __future__ import annotations

import functools
import importlib
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

import awkward as ak
import numpy as np

# Pairs of a name and a piece of the tree of that name, or a histogram.
Pieces = Iterator[tuple[str, Any]]
# The types of a tree's columns by name.
Types = dict[str, Any]

TREE = "servicex"
COLUMN = "branch"

# Zstandard costs a third of zlib or less for the same size; its higher levels gain next to nothing on columns of
# floats. ROOT reads it since 6.20 (2020); uproot and every Parquet reader do too.
ZSTD_LEVEL = 1

# The largest whole number up to which a double tells all whole numbers apart.
EXACT = 2**53

# The first pieces of a tree are held back until the types of its columns are known, up to about this many bytes.
HELD_BYTES = 100_000_000

# Kinds of numbers and texts that a format has no place for.
NO_ROOT = ("union", "bytestring", "complex", "datetime", "timedelta", "float128")
NO_PARQUET = ("union", "complex", "float128")


def transform_single_file(file_path: str, output_path: str, output_format: str) -> dict[str, int]:
    """Transform one file; gives {"total-events": entries of the input that were read, "output-size": bytes written}.

    How the entries are found is the program's affair: for FuncADL the entries of the tree, for uproot-raw the sum over
    the different trees read, for Python functions the sum over the trees that they read through uproot.

    Raises `ValueError` for an unknown format, `TypeError` for a result that the format cannot hold, and what the
    program raises.
    """
    if output_format not in WRITERS:
        raise ValueError(f"unknown output format {output_format!r}: it must be one of {', '.join(WRITERS)}")
    program = importlib.import_module("generated_transformer")
    WRITERS[output_format](_pieces(program.run_query(file_path)), output_path)
    return {"total-events": program.entries_read(file_path), "output-size": os.path.getsize(output_path)}


def main(arguments: list[str]) -> int:
    """The command line: INPUT OUTPUT FORMAT; gives the exit status."""
    if len(arguments) != 3:
        print("usage: transform_single_file.py INPUT OUTPUT FORMAT", file=sys.stderr)
        return 2
    try:
        done = transform_single_file(*arguments)
    except Exception as error:
        traceback.print_exc()
        print(f"Failed to transform input file {arguments[0]}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    # The sidecar reads its statistics from this very line.
    print(f"Transform stats: Total Events: {done['total-events']}, resulting file size {done['output-size']}")
    return 0


def _pieces(result: Any) -> Pieces:
    if isinstance(result, GeneratorType):
        return result
    if isinstance(result, dict) and result and all(_is_tree(value) or _is_object(value) for value in result.values()):
        return ((str(name), value) for name, value in result.items())
    return iter([(TREE, result)])


def _is_tree(value: Any) -> bool:
    """Whether this has columns of its own, so that a dict of such is one of trees and not of columns."""
    if isinstance(value, ak.Array):
        return bool(value.fields) and value.ndim == 1
    if isinstance(value, np.ndarray):
        return value.dtype.names is not None
    return isinstance(value, dict) or hasattr(value, "columns")


def _is_object(value: Any) -> bool:
    """Whether this is a histogram or another object of ROOT's, to be written as it is."""
    # Asked of the class, since arrays and tables show their columns as attributes, whatever these are called.
    kind = type(value)
    return hasattr(kind, "classname") or hasattr(kind, "axes") and hasattr(kind, "kind")


def _table(value: Any, refused: tuple[str, ...]) -> ak.Array:
    """The result as records of columns. Raises `TypeError` for one that holds any of the `refused` kinds."""
    array = _array(value)
    columns = {name: array[name] for name in array.fields} or {COLUMN: array}
    for name, column in columns.items():
        if kinds := [kind for kind in _kinds(column.layout.form) if kind.startswith(refused)]:
            raise TypeError(f"the column {name!r} holds {kinds[0]} values (its type is {column.type.content}), "
                            "which the output format cannot hold")
    return ak.zip({name: ak.transform(_tidied, ak.from_categorical(column)) for name, column in columns.items()},
                  depth_limit=1)


def _array(value: Any) -> ak.Array:
    """Anything that a program may return, as an awkward array with one element per row."""
    if value is None:
        raise TypeError("the function returned None: is its return statement missing?")
    if isinstance(value, ak.Array):
        return value
    if isinstance(value, ak.Record):
        return ak.Array(value.layout.array[value.layout.at:value.layout.at + 1])
    if isinstance(value, dict):
        return _joined(value)
    if isinstance(value, np.ndarray):
        return _from_numpy(value)
    if isinstance(value, (list, tuple)):
        return ak.Array(list(value))
    if isinstance(value, (bool, int, float, str, np.generic)):
        return ak.Array([value])
    return _from_frame(value)


def _joined(columns: dict[Any, Any]) -> ak.Array:
    arrays = {str(name): _array(column) for name, column in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if not arrays:
        raise TypeError("the result is a table without columns")
    if len(set(lengths.values())) > 1:
        raise TypeError(f"the columns of a table must be equally long; their lengths are {lengths}")
    return ak.zip(arrays, depth_limit=1)


def _from_numpy(array: np.ndarray) -> ak.Array:
    if array.ndim == 0:
        array = array.reshape(1)
    if array.dtype == object:
        return ak.Array(array.tolist())
    # Of the other byte order are the arrays read from FITS and many old binary files.
    return ak.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C", copy=False))


def _from_frame(value: Any) -> ak.Array:
    """The array of a pandas, polars or pyarrow table, or of one column of such."""
    if hasattr(value, "to_arrow") or hasattr(value, "combine_chunks"):
        return ak.from_arrow(value.to_arrow() if hasattr(value, "to_arrow") else value)
    if hasattr(value, "columns"):
        return _joined({name: value[name] for name in value.columns})
    if hasattr(value, "to_numpy"):
        return _from_numpy(value.to_numpy())
    raise TypeError(f"cannot write a result of type {type(value).__module__}.{type(value).__name__}: "
                    "return an awkward or numpy array, a table, or a dict of these")


def _kinds(form: Any) -> Iterator[str]:
    """What the array is made of at the bottom: names of numpy's types, `string`, `bytestring`, `union`, `unknown`."""
    if form.is_union:
        yield "union"
    elif form.is_unknown:
        yield "unknown"
    elif form.parameter("__array__") in ("string", "bytestring"):
        yield form.parameter("__array__")
    elif form.is_numpy:
        yield form.primitive
    else:
        for content in (form.contents if form.is_record else [form.content]):
            yield from _kinds(content)


def _tidied(layout: Any, **_: Any) -> Any:
    """What the writers stumble over in a form that they take: half precision, gaps between numbers, an index."""
    if layout.is_indexed and not layout.is_option:
        return ak.transform(_tidied, ak.Array(layout.project())).layout
    if layout.is_numpy and layout.form.primitive == "float16":
        return ak.values_astype(ak.Array(layout), "float32").layout
    return layout.to_contiguous() if layout.is_numpy and not layout.is_contiguous else None


def _typed(layout: Any, **_: Any) -> Any:
    """A list that was always empty has no type, and gets one."""
    return layout.to_NumpyArray(np.dtype("float64")) if layout.is_unknown else None


def _tables(pieces: Pieces, refused: tuple[str, ...]) -> Pieces:
    """The pieces as tables of the same types for each tree, and the objects as they are.

    Raises `TypeError` for a piece whose types are not those of the tree: the writers would cast it without a word.
    """
    types: dict[str, Types] = {}
    held: dict[str, list[ak.Array]] = {}
    for name, value in pieces:
        if _is_object(value):
            yield name, value
            continue
        tables = [*held.pop(name, []), _table(value, refused)]
        if name not in types and _untold(tables):
            held[name] = tables
            continue
        types.setdefault(name, _common_types(tables))
        yield from ((name, _fitted(table, types[name], name)) for table in tables if len(table))
    for name, tables in held.items():
        common = _common_types(tables)
        yield from ((name, _fitted(table, common, name)) for table in _with_rows(tables))


def _with_rows(tables: list[ak.Array]) -> list[ak.Array]:
    """The tables that have rows, or the first one if none has."""
    return [table for table in tables if len(table)] or tables[:1]


def _untold(tables: list[ak.Array]) -> bool:
    """Whether the types of some columns are yet to be seen, for want of rows or of anything in their lists."""
    if sum(table.nbytes for table in tables) > HELD_BYTES:
        return False
    told = {name for table in tables if len(table) for name in table.fields if not _is_untyped(table[name])}
    return not told.issuperset(tables[-1].fields)


def _is_untyped(column: ak.Array) -> bool:
    return "unknown" in _kinds(column.layout.form)


def _common_types(tables: list[ak.Array]) -> Types:
    """The types of the columns as those tables tell them that have rows."""
    tables = _with_rows(tables)
    return {name: _common_type([table[name] for table in tables if name in table.fields]) for name in tables[0].fields}


def _common_type(columns: list[ak.Array]) -> Any:
    told = next((column for column in columns if not _is_untyped(column)), columns[0])
    kind = _present(ak.transform(_typed, told).type.content)
    optional = any(isinstance(column.type.content, ak.types.OptionType) for column in columns)
    return ak.types.OptionType(kind) if optional else kind


def _types(table: ak.Array) -> Types:
    return {name: table[name].type.content for name in table.fields}


def _fitted(table: ak.Array, types: Types, name: str) -> ak.Array:
    """The table with the columns in the order of `types`, and of those types."""
    own = _types(table)
    if list(own.items()) == list(types.items()):
        return table
    different = [column for column in {**types, **own} if column not in types or column not in own
                 or not _agree(types[column], own[column])]
    if different:
        raise _other_types(name, different, types, own)
    return ak.zip({column: _enforced(name, column, table[column], types, own) for column in types}, depth_limit=1)


def _enforced(name: str, column: str, array: ak.Array, types: Types, own: Types) -> ak.Array:
    try:
        return ak.enforce_type(array, types[column])
    except ValueError:
        raise _other_types(name, [column], types, own, "; fill what is missing, or give an array that may have missing "
                                                       "values from the first piece on") from None


def _other_types(name: str, columns: list[str], types: Types, own: Types, advice: str = "") -> TypeError:
    changed = {column: tuple(str(kinds[column]) if column in kinds else None for kinds in (types, own))
               for column in columns}
    return TypeError(f"a later piece of {name!r} has other types than the first (column: first, later): "
                     f"{changed}{advice}")


def _agree(first: Any, later: Any) -> bool:
    """Whether all values of the later type that are not missing are values of the first type as well."""
    first, later = _present(first), _present(later)
    if isinstance(later, ak.types.UnknownType):
        return True
    if type(first) is not type(later):
        return False
    if isinstance(first, ak.types.RecordType):
        return set(first.fields) == set(later.fields) and all(
            _agree(first.content(field), later.content(field)) for field in first.fields)
    if isinstance(first, (ak.types.ListType, ak.types.RegularType)):
        return (first.parameters.get("__array__") == later.parameters.get("__array__")
                and getattr(first, "size", None) == getattr(later, "size", None)
                and _agree(first.content, later.content))
    return str(first) == str(later)


def _present(kind: Any) -> Any:
    """The type of values that are there."""
    return kind.content if isinstance(kind, ak.types.OptionType) else kind


def _write_root(pieces: Pieces, output_path: str, begin: Callable[..., Any], content: Callable[..., Any]) -> None:
    import uproot

    # A file that is open already: uproot would look for an object's name behind a colon in the path.
    trees: dict[str, Any] = {}
    with open(output_path, "w+b") as file, uproot.recreate(file, compression=uproot.ZSTD(ZSTD_LEVEL)) as writer:
        for name, value in _tables(pieces, NO_ROOT):
            if _is_object(value):
                writer[name] = value
                continue
            if name not in trees:
                trees[name] = begin(writer, name, value)
            if len(value):
                trees[name].extend(content(value))


def _begin_tree(writer: Any, name: str, table: ak.Array) -> Any:
    """A new TTree, asked for by name: the newest uproot makes an RNTuple of what is simply assigned."""
    columns = _branches(table)
    types = {branch: column.type.content for branch, column in columns.items()}
    return writer.mktree(name, types, counter_name=lambda branch: _counter(branch, columns))


def _begin_ntuple(writer: Any, name: str, table: ak.Array) -> Any:
    return writer.mkrntuple(name, _indexed_options(table).layout.form)


def _indexed_options(table: ak.Array) -> ak.Array:
    """The table with all missing values told by an index: uproot writes those told by a mask in the wrong places."""
    return ak.transform(_indexed, table)


def _indexed(layout: Any, **_: Any) -> Any:
    if not layout.is_option:
        return None
    option = layout.to_IndexedOptionArray64()
    return option.copy(content=ak.transform(_indexed, ak.Array(option.content)).layout)


def _branches(table: ak.Array) -> dict[str, ak.Array]:
    """The columns as branches of a TTree: nested records taken apart, with names joined by an underscore."""
    branches: dict[str, ak.Array] = {}
    written: list[str] = []
    for field in table.fields:
        for name, column in _taken_apart(field, table[field]):
            branches[name] = column
            written += [f"{name}_{part}" for part in column.fields] or [name]
    if doubled := [name for name, times in Counter(written).items() if times > 1]:
        raise TypeError(f"two columns would be written as the branch {doubled[0]!r}")
    return branches


def _taken_apart(name: str, column: ak.Array) -> Iterator[tuple[str, ak.Array]]:
    if column.fields and not _is_counted_record(column.type.content):
        for field in column.fields:
            yield from _taken_apart(f"{name}_{field}", column[field])
        return
    column = ak.transform(_without_options, column)
    if not _fits(column.type.content):
        raise TypeError(f"the column {name!r} has the type {column.type.content}, which a TTree cannot hold: choose "
                        "root-rntuple or parquet, or select its parts one by one")
    yield name, column


def _is_counted_record(kind: Any) -> bool:
    """Whether this is `var * {numbers}`, whose fields uproot writes with one counter for all of them."""
    return isinstance(kind, ak.types.ListType) and isinstance(kind.content, ak.types.RecordType) and all(
        isinstance(field, ak.types.NumpyType) for field in kind.content.contents)


def _fits(kind: Any) -> bool:
    """Whether a branch can be of this type: numbers, a text, a list of numbers or a fixed shape of numbers."""
    if isinstance(kind, ak.types.ListType):
        text = kind.parameters.get("__array__") == "string"
        return text or _is_counted_record(kind) or isinstance(kind.content, ak.types.NumpyType)
    while isinstance(kind, ak.types.RegularType):
        kind = kind.content
    return isinstance(kind, ak.types.NumpyType)


def _without_options(layout: Any, **_: Any) -> Any:
    """Missing values as a TTree can tell them: NaN, an empty list or text; the type never depends on the data."""
    if not layout.is_option or layout.content.is_record:
        return None
    array = ak.Array(layout)
    if not layout.content.is_numpy:
        text = layout.content.parameter("__array__") == "string"
        return ak.transform(_without_options, ak.fill_none(array, "" if text else [], axis=0)).layout
    if layout.content.form.primitive != "float32":
        if layout.content.form.primitive in ("int64", "uint64") and ak.any(abs(array) > EXACT):
            raise TypeError("a TTree tells missing values by NaN, and cannot hold such large integers beside them: "
                            "choose root-rntuple or parquet, or fill what is missing")
        array = ak.values_astype(array, "float64")
    return ak.fill_none(array, np.float32(np.nan), axis=0).layout


def _counter(branch: str, columns: dict[str, ak.Array]) -> str:
    """The name of the branch that counts a jagged one: `n` before it, once more if a column is called that."""
    name = f"n{branch}"
    while name in columns:
        name = f"n{name}"
    return name


def _write_table(pieces: Pieces, output_path: str) -> None:
    import pyarrow
    import pyarrow.parquet

    writer, tree = None, None
    try:
        for name, value in _tables(pieces, NO_PARQUET):
            if _is_object(value) or tree not in (None, name):
                raise TypeError(f"Parquet holds a single table and cannot take {name!r} as well: choose root-file")
            tree, table = name, ak.to_arrow_table(value, extensionarray=False)
            writer = writer or pyarrow.parquet.ParquetWriter(output_path, table.schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        pyarrow.parquet.write_table(pyarrow.table({}), output_path)


_write_trees = functools.partial(_write_root, begin=_begin_tree, content=_branches)
WRITERS: dict[str, Callable[[Pieces, str], None]] = {
    "root-file": _write_trees, "root": _write_trees,
    "root-rntuple": functools.partial(_write_root, begin=_begin_ntuple, content=_indexed_options),
    "parquet": _write_table,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
