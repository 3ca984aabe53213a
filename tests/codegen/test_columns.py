"""Which columns a FuncADL query is seen to read."""
import pytest

from servicex.codegen.funcadl import parse
from servicex.codegen.funcadl_checks import respell, take_dataset
from servicex.codegen.funcadl_columns import columns_read

DATA = "(call EventDataset 'bogus.root' 't')"


def columns(query: str) -> list[str] | None:
    return columns_read(respell(take_dataset(parse(query.replace("DATA", DATA)))[0]))


@pytest.mark.parametrize("query, expected", [
    ("(Select DATA (lambda (list e) (attr e 'x')))", ["x"]),
    ("(Select DATA (lambda (list e) (subscript e 'x.y')))", ["x.y"]),
    ("(Select (Where DATA (lambda (list f) (> (attr f 'b') 1))) (lambda (list e) (attr e 'a')))", ["a", "b"]),
    ("(SelectMany (Where (Where DATA (lambda (list e) (attr e 'c'))) (lambda (list e) (attr e 'b'))) "
     "(lambda (list e) (attr e 'a')))", ["a", "b", "c"]),
    # A later step sees the earlier one's columns, not the tree's.
    ("(Select (Select DATA (lambda (list e) (dict (list 'q') (list (attr e 'x'))))) (lambda (list e) (attr e 'q')))",
     ["x"]),
    # The inner variable hides the event.
    ("(Select DATA (lambda (list e) (Select (attr e 'jets') (lambda (list e) (attr e 'pt')))))", ["jets"]),
    # The inner lambda uses the event.
    ("(Select DATA (lambda (list e) (Select (attr e 'jets') (lambda (list j) (* j (attr e 'w'))))))", ["jets", "w"]),
])
def test_only_named_columns(query: str, expected: list[str]) -> None:
    assert columns(query) == expected


@pytest.mark.parametrize("query", [
    "DATA",
    "(Where DATA (lambda (list e) (> (attr e 'x') 1)))",
    "(Select DATA (lambda (list e) e))",
    "(Select DATA (lambda (list e) (subscript e 0)))",
    "(Select DATA (lambda (list e) (call (attr e 'ToFourMomentum'))))",
    "(Select DATA (lambda (list e) 1))",
    "(Select (First DATA) (lambda (list e) (attr e 'x')))",
    "(Select DATA (lambda (list e) (list (attr e 'x') (Count (Where e (lambda (list f) f))))))",
])
def test_whole_events_need_all_columns(query: str) -> None:
    assert columns(query) is None
