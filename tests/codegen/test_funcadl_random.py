"""FuncADL queries of any shape: what the program makes of one is what plain Python makes of the same text."""
import random
from collections.abc import Callable

import awkward as ak
import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from servicex.codegen.funcadl import parse
from servicex.codegen.funcadl_checks import respell, take_dataset
from servicex.codegen.funcadl_expression import expression
from servicex.codegen.funcadl_words import DATASET
from servicex.codegen.programs import funcadl_values
from tests.codegen.test_funcadl_meaning import J, K, N, X, plain, qastle_of

EVENTS = ak.Array({"j": J, "k": K, "x": np.array(X), "n": np.array(N)})
DEPTH = 4


class Maker:
    """Makes up parts of a query out of the variables in reach; whatever it makes has a value for every event."""

    def __init__(self, chance: random.Random):
        self._chance = chance

    def number(self, variables: tuple[str, ...] = (), depth: int = DEPTH) -> str:
        """A number."""
        if depth <= 0:
            return self._chance.choice(["1", "2.5", "e.x", "e.n", *variables, *variables])
        match self._chance.randrange(6):
            case 0 | 1:
                sign = self._chance.choice("+-*")
                return f"({self.number(variables, depth - 2)} {sign} {self.number(variables, depth - 2)})"
            case 2:
                return f"{self.numbers(variables, depth - 1)}.{self._chance.choice(['Count', 'Sum'])}()"
            case 3:
                return (f"({self.number(variables, depth - 2)} if {self.condition(variables, depth - 1)} "
                        f"else {self.number(variables, depth - 2)})")
        return self.number(variables, 0)

    def condition(self, variables: tuple[str, ...] = (), depth: int = DEPTH) -> str:
        """A condition."""
        kind = self._chance.randrange(6) if depth > 0 else 0
        match kind:
            case 1:
                word = self._chance.choice(["and", "or"])
                return f"({self.condition(variables, depth - 2)} {word} {self.condition(variables, depth - 2)})"
            case 2:
                return f"(not {self.condition(variables, depth - 1)})"
            case 3:
                word = self._chance.choice(["Any", "All"])
                return f"{self.numbers(variables, depth - 1)}.{word}({self._lambda(self.condition, variables, depth)})"
            case 4:
                return f"{self.numbers(variables, depth - 1)}.Contains({self.number(variables, depth - 2)})"
        sign = self._chance.choice(["<", ">", "<=", "==", "!="])
        return f"({self.number(variables, depth - 2)} {sign} {self.number(variables, depth - 2)})"

    def numbers(self, variables: tuple[str, ...] = (), depth: int = DEPTH) -> str:
        """A list of numbers."""
        if depth <= 0:
            return self._chance.choice(["e.j", "e.k"])
        values = self.numbers(variables, depth - 2)
        match self._chance.randrange(6):
            case 0 | 1:
                return f"{values}.Where({self._lambda(self.condition, variables, depth)})"
            case 2:
                return f"{values}.Select({self._lambda(self.number, variables, depth)})"
            case 3:
                return f"{values}.OrderBy({self._lambda(self.number, variables, depth)})"
            case 4:
                return f"{values}.SelectMany({self._lambda(self.numbers, variables, depth)})"
        return f"{values}.Concat({self.numbers(variables, depth - 2)})"

    def _lambda(self, made: Callable[[tuple[str, ...], int], str], variables: tuple[str, ...], depth: int) -> str:
        name = f"v{len(variables)}"
        return f"lambda {name}: {made((*variables, name), depth - 1)}"

    def query(self) -> str:
        """A whole query."""
        return self._chance.choice([
            f"{{p}}.Select(lambda e: {self.number()})", f"{{p}}.Select(lambda e: {self.numbers()})",
            f"{{p}}.Where(lambda e: {self.condition()}).Select(lambda e: e.x)",
            f"{{p}}.SelectMany(lambda e: {self.numbers()})"])


def evaluated(query: str) -> list[object]:
    """What the program of the query gives, without a file and a process around it."""
    tree, _ = take_dataset(parse(qastle_of(query)))
    names = {**vars(funcadl_values), DATASET: funcadl_values.stream(EVENTS)}
    return ak.to_list(funcadl_values.columns(eval(expression(respell(tree)), names)))  # type: ignore[no-any-return]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(min_value=0).map(lambda seed: Maker(random.Random(seed)).query()))
@example("{p}.Select(lambda e: e.j.Select(lambda v0: e.k.Where(lambda v1: e.j.Any(lambda v2: v2 < v1)).Count()))")
def test_any_query_means_what_python_means(query: str) -> None:
    assert evaluated(query) == plain(query)
