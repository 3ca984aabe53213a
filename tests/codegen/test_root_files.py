"""Shapes that a TTree cannot hold as they are, and those it cannot hold at all."""
from pathlib import Path

import pytest
import uproot

from tests.codegen.conftest import Programs

SOURCE = "import awkward as ak\nimport numpy as np\n\ndef run_query(path):\n    return {}\n"


@pytest.mark.parametrize("expression, expected", [
    ("ak.Array({'j': [{'pt': 1.0, 'n': {'x': 1, 'y': 2}}]})", {"j_pt": [1], "j_n_x": [1], "j_n_y": [2]}),
    ("ak.Array({'j': [[{'pt': 1.0, 'n': 1}], []]})", {"nj": [1, 0], "j_pt": [[1], []], "j_n": [[1], []]}),
    ("ak.Array({'j': [{'pt': [1.0, 2.0]}]})", {"nj_pt": [2], "j_pt": [[1, 2]]}),
    ("ak.Array({'s': ['a', '']})", {"s": ["a", ""]}),
    ("ak.Array({'s': ['a', None]})", {"s": ["a", ""]}),
    ("ak.Array({'o': [[1.0], None]})", {"no": [1, 0], "o": [[1], []]}),
    ("ak.Array({'x': [[1], []], 'nx': [8, 9]})", {"nnx": [1, 0], "x": [[1], []], "nx": [8, 9]}),
    ("ak.Array({'x': [[], []]})", {"nx": [0, 0], "x": [[], []]}),
    ("{'m': np.ones((2, 2))}", {"m": [[1, 1], [1, 1]]}),
    ("ak.Array({'a': np.arange(3)})[np.array([True, False, True])]", {"a": [0, 2]}),
])
def test_shapes_in_a_ttree(expression: str, expected: dict[str, list[object]], mini: Path, programs: Programs) -> None:
    programs.run_source(SOURCE.format(expression), mini, "root-file")
    with uproot.open({programs.output: "servicex"}) as tree:
        assert {name: tree[name].array().to_list() for name in tree.keys()} == expected


@pytest.mark.parametrize("kind, written", [
    ("float32", "float"), ("float64", "double"), ("int32", "double"), ("bool", "double")])
def test_missing_numbers_are_nan(kind: str, written: str, mini: Path, programs: Programs) -> None:
    expression = f"{{'a': ak.values_astype(ak.Array([1, None]), '{kind}')}}"
    programs.run_source(SOURCE.format(expression), mini, "root-file")
    with uproot.open({programs.output: "servicex"}) as tree:
        assert tree["a"].typename == written
        assert str(tree["a"].array().to_list()) == "[1.0, nan]"


@pytest.mark.parametrize("expression, message", [
    ("ak.Array({'j': [[[1.0]]]})", r"'j' has the type var \* var \* float64, which a TTree cannot hold: choose"),
    ("ak.Array({'j': [[{'pt': [1.0]}]]})", "'j_pt' has the type var"),
    ("ak.Array({'s': [['a']]})", r"'s' has the type var \* string"),
    ("ak.Array({'a_b': [1], 'a': [{'b': 1}]})", "two columns would be written as the branch 'a_b'"),
    ("{'t': np.array(['2020-01-01'], dtype='M8[s]')}", "'t' holds datetime64"),
])
def test_shapes_that_a_ttree_cannot_hold(expression: str, message: str, mini: Path, programs: Programs) -> None:
    with pytest.raises(TypeError, match=message):
        programs.run_source(SOURCE.format(expression), mini, "root-file")


@pytest.mark.parametrize("expression, expected", [
    ("ak.Array({'j': [[[1.0], []], []]})", [{"j": [[1], []]}, {"j": []}]),
    ("ak.Array({'j': [[{'pt': [1.0], 'n': 1}]]})", [{"j": [{"pt": [1], "n": 1}]}]),
    ("ak.Array({'s': [['a', 'b'], []]})", [{"s": ["a", "b"]}, {"s": []}]),
    ("ak.Array({'o': [1.0, None]})", [{"o": 1}, {"o": None}]),
])
@pytest.mark.parametrize("output_format", ["root-rntuple", "parquet"])
def test_shapes_that_only_the_others_hold(
        expression: str, expected: list[object], output_format: str, mini: Path, programs: Programs) -> None:
    programs.run_source(SOURCE.format(expression), mini, output_format)
    assert programs.result(output_format).to_list() == expected
