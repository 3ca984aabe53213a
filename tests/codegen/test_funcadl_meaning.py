"""FuncADL queries against the same text run as plain Python, event by event, over lists of Python's own."""
import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pytest
import qastle
import uproot

from servicex.codegen.generators import generate
from servicex.errors import InvalidSelection
from tests.codegen.conftest import Programs

J = [[3.0, 1.0, 2.0], [], [5.0], [2.0, 2.0], [1.0, 7.0]]
K = [[1.0], [2.0, 4.0], [], [3.0, 1.0, 2.0], [7.0, 7.0]]
X = [1.0, 5.0, 2.0, 2.0, 4.0]
N = [0, 3, 1, 2, 2]


class Sequence(list[Any]):
    """FuncADL's words for a list of Python's."""

    def Select(self, function: Callable[[Any], Any]) -> "Sequence":
        return Sequence(function(one) for one in self)

    def Where(self, function: Callable[[Any], Any]) -> "Sequence":
        return Sequence(one for one in self if function(one))

    def SelectMany(self, function: Callable[[Any], Any]) -> "Sequence":
        return Sequence(itertools.chain.from_iterable(self.Select(function)))

    def OrderBy(self, function: Callable[[Any], Any]) -> "Sequence":
        return Sequence(sorted(self, key=function))

    def OrderByDescending(self, function: Callable[[Any], Any]) -> "Sequence":
        return Sequence(sorted(self, key=lambda one: -function(one)))

    def Choose(self, n: int) -> "Sequence":
        return Sequence(map(Sequence, itertools.combinations(self, n)))

    def Concat(self, other: "Sequence") -> "Sequence":
        return Sequence(self + other)

    def Contains(self, value: Any) -> bool:
        return value in self

    def Any(self, function: Callable[[Any], Any]) -> bool:
        return any(map(function, self))

    def All(self, function: Callable[[Any], Any]) -> bool:
        return all(map(function, self))

    def Count(self) -> int:
        return len(self)

    def Sum(self) -> Any:
        return sum(self)

    def Max(self) -> Any:
        return max(self, default=None)

    def Min(self) -> Any:
        return min(self, default=None)

    def First(self) -> Any:
        return self.ElementAt(0)

    def Last(self) -> Any:
        return self.ElementAt(-1)

    def ElementAt(self, position: int) -> Any:
        return self[position] if -len(self) <= position < len(self) else None


EVENTS = Sequence(SimpleNamespace(j=Sequence(j), k=Sequence(k), x=x, n=n)
                  for j, k, x, n in zip(J, K, X, N, strict=True))

QUERIES = [
    "{p}.Select(lambda e: e.j.Where(lambda q: q > 1.5))",
    "{p}.Select(lambda e: e.j.Where(lambda q: q > e.x))",
    "{p}.Select(lambda e: e.j.Where(lambda q: e.x > 1.5))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.x))",
    "{p}.Select(lambda e: e.j.Select(lambda q: 1))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.k.Count()))",
    "{p}.Select(lambda e: e.j.Select(lambda q: q * e.x + e.n))",
    # An element of one list against all elements of a list.
    "{p}.Select(lambda e: e.j.Select(lambda q: e.j.Where(lambda r: r > q).Count()))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.k.Where(lambda r: r > q).Count()))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.k.Select(lambda r: r * q)))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.k.Select(lambda r: r * q).Sum()))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.k.Where(lambda r: r > 1).Select(lambda r: r - q).Max()))",
    "{p}.Select(lambda e: e.j.Where(lambda q: e.k.All(lambda r: abs(r - q) > 0.5)))",
    "{p}.Select(lambda e: e.j.Where(lambda q: not e.k.Any(lambda r: r == q)).Count())",
    "{p}.Select(lambda e: e.j.Where(lambda q: q == e.j.Max()).Count())",
    "{p}.Select(lambda e: e.j.Where(lambda q: e.k.Contains(q + 1)))",
    "{p}.Select(lambda e: e.j.Select(lambda q: e.k.Select(lambda r: e.j.Where(lambda s: s < q * r).Count())))",
    "{p}.Select(lambda e: e.j.SelectMany(lambda q: e.k.Select(lambda r: r + q)))",
    "{p}.Select(lambda e: e.j.SelectMany(lambda q: e.k.Where(lambda r: r > q)).Sum())",
    # Events chosen, and a row for each element.
    "{p}.Where(lambda e: e.j.Count() > 1).Select(lambda e: e.j.Max())",
    "{p}.Where(lambda e: e.j.Any(lambda q: q > e.x)).Select(lambda e: e.j)",
    "{p}.Where(lambda e: e.n).Select(lambda e: e.x)",
    "{p}.Where(lambda e: e.x > 1).Where(lambda f: f.n < 3).Select(lambda g: g.j.Sum())",
    "{p}.Where(lambda e: True).Select(lambda e: e.n)",
    "{p}.Where(lambda e: False).Select(lambda e: e.n)",
    "{p}.SelectMany(lambda e: e.j)",
    "{p}.SelectMany(lambda e: e.j.Where(lambda q: q > e.n))",
    "{p}.SelectMany(lambda e: e.j.Select(lambda q: q + e.x))",
    "{p}.OrderBy(lambda e: e.x).Select(lambda e: e.j)",
    "{p}.Select(lambda e: e.j).Where(lambda j: j.Count() > 1).Select(lambda j: j.Where(lambda q: q > 1))",
    # One of a list.
    "{p}.Select(lambda e: e.j.First())",
    "{p}.Select(lambda e: e.j.Last())",
    "{p}.Select(lambda e: e.j.ElementAt(1))",
    "{p}.Select(lambda e: e.j.ElementAt(e.n))",
    "{p}.Select(lambda e: e.j.Max())",
    "{p}.Select(lambda e: e.j.Min())",
    "{p}.Select(lambda e: e.j.First() if e.j.Count() > 0 else -1)",
    "{p}.Select(lambda e: e.j if e.x > 1.5 else e.k)",
    "{p}.Select(lambda e: e.j.Select(lambda q: q if q > e.x else 0))",
    "{p}.Select(lambda e: 1 if e.x > 3 else 0)",
    "{p}.Select(lambda e: e.j.OrderBy(lambda q: abs(q - e.x)))",
    "{p}.Select(lambda e: e.j.OrderByDescending(lambda q: q).First())",
    "{p}.Select(lambda e: e.j.OrderBy(lambda q: e.k.Where(lambda r: r > q).Count()))",
    "{p}.Select(lambda e: e.j.Concat(e.k))",
    "{p}.Select(lambda e: e.j.Choose(2).Select(lambda c: c.Sum()))",
    "{p}.Select(lambda e: e.j.Choose(2).Where(lambda c: c.First() > e.n).Select(lambda c: c.Last() - c.First()))",
    "{p}.Select(lambda e: Sequence([1, 2, 4]).Contains(e.x) and e.n > 0)",
    "{p}.Select(lambda e: e.j.Select(lambda q: Sequence([q, e.x]).Max()))",
    "{p}.Select(lambda e: 1 < e.x < 5 or e.n == 0)",
    "{p}.Select(lambda e: not e.x > 3)",
    "{p}.Select(lambda e: Sequence([e.x, e.n]).Sum() + 1)",
    "{p}.Select(lambda e: (lambda y: y * y)(e.x + 1))",
    "{p}.Select(lambda e: e.j.Where(lambda e: e > 1).Select(lambda q: q ** 2))",
    "{p}.Select(lambda e: (e.x, e.j)).Select(lambda t: t[1].Select(lambda q: q + t[0]))",
    "{p}.Select(lambda e: e.x // 2 + e.n % 2)",
]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("meaning") / "events.root"
    with uproot.recreate(path) as file:
        file.mktree("mini", {"j": "var * float64", "k": "var * float64", "x": "float64", "n": "int64"})
        file["mini"].extend({"j": ak.Array(J), "k": ak.Array(K), "x": np.array(X), "n": np.array(N)})
    return path


def qastle_of(query: str) -> str:
    # Python's own lists have no Sum.
    text = query.format(p="EventDataset('x', 'mini')").replace("Sequence([", "([")
    return str(qastle.python_source_to_text_ast(text))


def plain(query: str) -> list[Any]:
    return list(eval(query.format(p="EVENTS")))


@pytest.mark.parametrize("query", QUERIES)
def test_query_means_what_its_text_means_in_python(query: str, events: Path, programs: Programs) -> None:
    programs.run("uproot", qastle_of(query), events)
    result = programs.result()
    values = result.branch.tolist() if "branch" in result.fields else result.tolist()
    assert values == plain(query)


@pytest.mark.parametrize("query, expected", [
    # The largest of no jets is not known, and neither is whether it passes.
    ("{p}.Where(lambda e: e.j.Max() > 1).Select(lambda e: e.x)", [1.0, 2.0, 2.0, 4.0]),
    ("{p}.Where(lambda e: not e.j.Max() > 2.5).Select(lambda e: e.x)", [2.0]),
    ("{p}.Where(lambda e: e.j.Max() > 4 or e.x == 5).Select(lambda e: e.x)", [5.0, 2.0, 4.0]),
    ("{p}.Where(lambda e: e.x == 5 and e.j.Max() > 4).Select(lambda e: e.x)", []),
    ("{p}.Where(lambda e: not (e.j.Max() > 4 and e.x == 1)).Select(lambda e: e.x)", [1.0, 5.0, 2.0, 2.0, 4.0]),
    ("{p}.Select(lambda e: e.k.Where(lambda q: q > e.j.Max()))", [[], [], [], [3.0], []]),
    ("{p}.Select(lambda e: e.k.Where(lambda q: q > e.j.Max()).Count())", [0, 0, 0, 1, 0]),
    ("{p}.Select(lambda e: e.k.Any(lambda q: q < e.j.Max()))", [True, False, False, True, False]),
    ("{p}.Select(lambda e: e.k.All(lambda q: q > e.j.Max()))", [False, False, True, False, False]),
    ("{p}.Select(lambda e: 1 if e.j.Max() > 2.5 else 0)", [1, None, 1, 0, 1]),
    ("{p}.Select(lambda e: e.j.Max() > 2.5 or e.x > 3)", [True, True, True, False, True]),
    ("{p}.Select(lambda e: e.j.Max() > 2.5 and e.x > 0)", [True, None, True, False, True]),
    ("{p}.Select(lambda e: e.j.First() + 1)", [4.0, None, 6.0, 3.0, 2.0]),
    ("{p}.Select(lambda e: e.k.Select(lambda q: e.j.First() + q))",
     [[4.0], [None, None], [], [5.0, 3.0, 4.0], [8.0, 8.0]]),
    ("{p}.Select(lambda e: e.j.Choose(2).First().Sum())", [4.0, None, None, 4.0, 8.0]),
    ("{p}.Select(lambda e: e.j.Choose(2).First().Where(lambda q: q > 1).Count())", [1, None, None, 2, 1]),
    ("{p}.Select(lambda e: e.j > e.x)", [[True, False, True], [], [True], [False, False], [False, True]]),
    ("{p}.Count()", [5]),
    ("{p}.Select(lambda e: e.x).Sum()", [14.0])])
def test_missing_values_and_whole_files(query: str, expected: list[Any], events: Path, programs: Programs) -> None:
    programs.run("uproot", qastle_of(query), events)
    assert programs.result().branch.tolist() == expected


@pytest.mark.parametrize("query, reason", [
    ("{p}.Where(lambda e: e.j > 1)", "one yes or no for each event"),
    ("{p}.Select(lambda e: e.j.Where(lambda q: e.k > q))", "one yes or no for each event or element"),
    ("{p}.Select(lambda e: e.x.Where(lambda q: q > 1))", "a list is needed"),
    ("{p}.Select(lambda e: e.j.Choose(2).Sum())", "are lists themselves"),
    ("{p}.Select(lambda e: e.j + e.k)", "broadcast"),
    ("{p}.Select(lambda e: e.x.nothing)", "there is no 'nothing'"),
    ("{p}.Select(lambda e: e.x.nothing(1))", "no function 'nothing'"),
    ("{p}.Select(lambda e: e.j.OrderBy(lambda q: e.k))", "one number for each element")])
def test_query_without_a_meaning_fails_with_a_reason(query: str, reason: str, events: Path, programs: Programs) -> None:
    with pytest.raises(Exception, match=reason):
        programs.run("uproot", qastle_of(query), events)


@pytest.mark.parametrize("query, reason", [
    ("{p}.Select(lambda e: lambda f: f)", "A lambda can only be"),
    ("{p}.Select(lambda where: where.x)", "cannot be the name"),
    ("{p}.Select(lambda e: {{}})", "gives no columns"),
    ("{p}.Select(lambda e: np.where(e.x > 1))", "three arguments")])
def test_query_that_cannot_mean_anything_is_refused(query: str, reason: str) -> None:
    with pytest.raises(InvalidSelection, match=reason):
        generate("uproot", qastle_of(query))


def test_columns_of_all_kinds_of_lists(events: Path, programs: Programs) -> None:
    query = ("{p}.Select(lambda e: {{'pairs': e.j.SelectMany(lambda q: e.k.Select(lambda r: {{'q': q, 'r': r}})),"
             " 'x': e.x, 'c': np.clip(e.x, 2, 4), 'w': np.where(e.x > 2, e.x, 0)}})")
    programs.run("uproot", qastle_of(query), events)
    result = programs.result()
    assert result.pairs.q.tolist() == [[a for a in j for _ in k] for j, k in zip(J, K, strict=True)]
    assert result.pairs.r.tolist() == [[b for _ in j for b in k] for j, k in zip(J, K, strict=True)]
    assert result.c.tolist() == [2.0, 4.0, 2.0, 2.0, 4.0] and result.w.tolist() == [0.0, 5.0, 0.0, 0.0, 4.0]


def test_lists_of_a_fixed_length_belong_to_their_event(programs: Programs, tmp_path: Path) -> None:
    # As many events as elements: numpy would take the one for the other.
    path = tmp_path / "fixed.root"
    with uproot.recreate(path) as file:
        file.mktree("mini", {"a": ("float64", (2,)), "x": "float64"})
        file["mini"].extend({"a": np.array([[1.0, 2.0], [3.0, 4.0]]), "x": np.array([10.0, 20.0])})
    programs.run("uproot", qastle_of("{p}.Select(lambda e: e.a + e.x)"), path)
    assert programs.result().branch.tolist() == [[11.0, 12.0], [23.0, 24.0]]
