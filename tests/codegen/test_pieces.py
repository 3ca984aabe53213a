"""Results in pieces, and arrays of all layouts: what fits together is joined, whatever its layout is."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow
import pytest
import uproot

from servicex.codegen.programs import transform_single_file as program
from tests.codegen.conftest import FORMATS


def read_column(output: Path, output_format: str, column: str) -> ak.Array:
    """A column of the result."""
    if output_format == "parquet":
        return ak.from_parquet(output)[column]
    with uproot.open({output: "servicex"}) as tree:
        return tree[column].array()


def filled(values: ak.Array) -> list[Any]:
    """The values, with one word for None and for the NaN that a TTree has in its place."""
    return ["missing" if value is None or value != value else value for value in ak.to_list(values)]


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("pieces", [
    [{"v": []}, {"v": [1, 2]}],
    [{"v": np.array([])}, {"v": [1, 2]}],
    [{"v": [[], []]}, {"v": [[]]}, {"v": [[1], []]}],
    [{"v": [[], []], "w": [1, 2]}, {"v": [[1], []], "w": [3, 4]}],
    [{"v": [None]}, {"v": [1, 2]}],
    [{"v": [1, None]}, {"v": [1, 2]}, {"v": [None, None]}],
    [{"v": [1.5, 2.5]}, {"v": ak.Array([1.5, None])[:1]}],
    [{"v": [1, 2], "w": ["a", "b"]}, {"w": ["c"], "v": [3]}],
    [{"v": [1, 2]}, {"v": []}, {"v": [3]}],
])
def test_pieces_whose_types_fit_are_joined(tmp_path: Path, output_format: str, pieces: list[dict[str, Any]]) -> None:
    output = tmp_path / "output"
    program.WRITERS[output_format](iter([("servicex", piece) for piece in pieces]), str(output))
    for column in pieces[-1]:
        read = read_column(output, output_format, column)
        assert filled(read) == filled([value for piece in pieces for value in ak.to_list(piece[column])])


def test_type_of_integers_is_not_fixed_by_an_empty_piece(tmp_path: Path) -> None:
    output = tmp_path / "output"
    pieces = iter([("t", {"v": np.array([])}), ("t", {"v": [[], []]}), ("t", {"v": [[2**60 + 1]]})])
    program.WRITERS["parquet"](pieces, str(output))
    assert ak.from_parquet(output).v.tolist() == [[], [], [2**60 + 1]]


def test_much_is_not_held_back_for_want_of_a_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "HELD_BYTES", 100)
    taken: list[int] = []

    def pieces() -> Iterator[tuple[str, Any]]:
        for number in range(20):
            taken.append(number)
            yield "t", {"v": [[], []]}
    first = next(program._tables(pieces(), ()))
    assert len(taken) < 20 and str(first[1].type.content.content("v")) == "var * float64"


CATEGORIES = pyarrow.table({"v": pyarrow.array(["x", "y", "x"]).dictionary_encode()})


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("column", [
    np.arange(3, dtype=">f8"), np.arange(3, dtype=">i4"), np.arange(6)[::2], np.arange(6.0)[::-2],
    np.arange(12.0).reshape(3, 4)[:, ::2], np.asfortranarray(np.arange(6.0).reshape(3, 2)),
    np.ma.masked_array([1.5, 2.5, 3.5], [False, True, False], dtype=">f8"), ak.Array(np.arange(6)[::2]),
    ak.from_arrow(CATEGORIES).v, CATEGORIES["v"], ak.str.to_categorical(ak.Array(["a", "b", "a"])),
], ids=lambda column: type(column).__name__)
def test_arrays_of_all_layouts_are_written(tmp_path: Path, output_format: str, column: Any) -> None:
    output = tmp_path / "output"
    expected = column.to_pylist() if isinstance(column, pyarrow.ChunkedArray) else column.tolist()
    program.WRITERS[output_format](iter([("servicex", {"v": column})]), str(output))
    assert filled(read_column(output, output_format, "v")) == filled(expected)


@pytest.mark.parametrize("output_format", FORMATS)
def test_structured_array_of_the_other_byte_order(tmp_path: Path, output_format: str) -> None:
    output = tmp_path / "output"
    array = np.array([(1, 2.5), (3, 4.5)], dtype=[("i", ">i4"), ("f", ">f8")])
    program.WRITERS[output_format](iter([("servicex", array)]), str(output))
    assert read_column(output, output_format, "i").tolist() == [1, 3]
    assert read_column(output, output_format, "f").tolist() == [2.5, 4.5]
