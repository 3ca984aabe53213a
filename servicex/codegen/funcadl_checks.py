"""What a FuncADL query may hold: its one dataset, the functions and the names that there are.

The translator behind lets any builtin of Python pass and writes attribute names as they stand: both are looked at here.
"""
import ast
import keyword

import numpy as np

from servicex.codegen.funcadl_words import DATASET, WORDS
from servicex.errors import InvalidSelection

FUNCTIONS = frozenset({"abs", "pow"})
RESERVED = WORDS | FUNCTIONS | {"np"}

# Of a list in an event. As Python's own functions they would go over the events of the whole file.
METHODS = {"len": "Count", "sum": "Sum", "max": "Max", "min": "Min", "any": "Any", "all": "All"}
# Of one or two values in an event: by name and number of arguments, numpy's word for each.
ELEMENTWISE = {("max", 2): "maximum", ("min", 2): "minimum", ("round", 1): "rint"}
INSTEAD = {"len": ".Count()", "sum": ".Sum(), or a + b", "max": ".Max(), or np.maximum(a, b)",
           "min": ".Min(), or np.minimum(a, b)", "any": ".Any(lambda x: ...)", "all": ".All(lambda x: ...)",
           "round": "np.rint(a)"}

# Written plainly in queries, as in C++ or after `from math import sqrt`; numpy's word for each.
MATHS = {name: name for name in (
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "arcsin", "arccos", "arctan", "arctan2", "arcsinh", "arccosh", "arctanh", "hypot", "floor", "ceil", "trunc",
    "rint", "fabs", "fmod", "copysign", "isnan", "isinf", "isfinite", "degrees", "radians", "square", "sign")}
MATHS.update(asin="arcsin", acos="arccos", atan="arctan", atan2="arctan2", asinh="arcsinh", acosh="arccosh",
             atanh="arctanh")

NUMPY = frozenset({"where", "clip", "isclose", "nan_to_num", "pi", "e", "inf", "nan"})


def take_dataset(query: ast.AST) -> tuple[ast.AST, str]:
    """The query over a plain `events` instead of its EventDataset, and the tree's name. Raises `InvalidSelection`."""
    calls = [node for node in ast.walk(query) if _is_dataset(node)]
    if not calls:
        raise InvalidSelection("The FuncADL query has no EventDataset to read from.")
    if len(calls) > 1:
        raise InvalidSelection("The FuncADL query has more than one EventDataset; only one can be read from.")
    tree_name = _tree_name(calls[0])
    return _Events().visit(query), tree_name


def _is_dataset(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "EventDataset"


def _tree_name(call: ast.AST) -> str:
    assert isinstance(call, ast.Call)
    if len(call.args) > 2:
        raise InvalidSelection("EventDataset takes a file name and a tree name, nothing more.")
    name = call.args[1] if len(call.args) == 2 else None
    # 'None' is what the client sends for a query in a YAML file that does not name its tree.
    if not isinstance(name, ast.Constant) or not isinstance(name.value, str) or name.value.strip() in ("", "None"):
        raise InvalidSelection("The FuncADL query does not say which tree to read: begin it with FromTree('name').")
    return name.value


class _Events(ast.NodeTransformer):
    """Puts a name of our own in the place of the EventDataset, marked so that no variable is taken for it."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not _is_dataset(node):
            return self.generic_visit(node)
        events = ast.Name(id=DATASET, ctx=ast.Load())
        events.is_dataset = True  # type: ignore[attr-defined]
        return events


def is_events(node: ast.AST) -> bool:
    """Whether this stands for the dataset's events, and is not a variable of the user's."""
    return getattr(node, "is_dataset", False)


def is_numpy(node: ast.AST) -> bool:
    """Whether this is a function or a constant of numpy, and not a column of the user's."""
    return getattr(node, "is_numpy", False)


def list_functions(query: ast.AST) -> ast.AST:
    """The query with `len(jets)`, `max(a, b)` and their like as what they mean in an event.

    Raises `InvalidSelection` for those that mean nothing there, with what to write instead.
    """
    return _ListFunctions().visit(query)


class _ListFunctions(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in INSTEAD:
            return self.generic_visit(node)
        if word := ELEMENTWISE.get((name, len(node.args))):
            numpy = ast.Attribute(value=ast.Name(id="np", ctx=ast.Load()), attr=word, ctx=ast.Load())
            return self.generic_visit(ast.Call(func=numpy, args=node.args, keywords=[]))
        if name in METHODS and len(node.args) == 1 and not isinstance(node.args[0], (ast.List, ast.Tuple)):
            return self.generic_visit(_method(METHODS[name], node.args[0]))
        raise InvalidSelection(f"{name} cannot be used like this in a FuncADL query; write {INSTEAD[name]}.")


def _method(name: str, values: ast.expr) -> ast.Call:
    # Any and All must be told what is asked of each element: here, itself.
    arguments = [ast.parse("lambda each_element: each_element", mode="eval").body] if name in ("Any", "All") else []
    return ast.Call(func=ast.Attribute(value=values, attr=name, ctx=ast.Load()), args=arguments, keywords=[])


def respell(query: ast.AST) -> ast.AST:
    """The query with all names checked and in the words that the program knows. Raises `InvalidSelection`."""
    lambdas = [node for node in ast.walk(query) if isinstance(node, ast.Lambda)]
    variables = {argument.arg for node in lambdas for argument in node.args.args}
    return _Speller(variables).visit(query)


class _Speller(ast.NodeTransformer):
    def __init__(self, variables: set[str]) -> None:
        self._variables = variables

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if is_events(node) or node.id in self._variables or node.id in FUNCTIONS:
            return node
        if node.id in MATHS:
            return _of_numpy(MATHS[node.id])
        known = ", ".join(sorted({*FUNCTIONS, *INSTEAD, *MATHS}))
        raise InvalidSelection(f"Unknown id: {node.id}. Known functions are {known}, and those of numpy as np.name.")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if self._is_numpy(node.value):
            return _numpy(node)
        if node.attr.startswith("_"):
            raise InvalidSelection(f"Names that begin with an underscore cannot be used as attributes: {node.attr!r}; "
                                   "write a column of such a name as e['_name'].")
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        if not node.keys:
            raise InvalidSelection("The FuncADL query gives no columns.")
        for key in node.keys:
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or not key.value:
                raise InvalidSelection("The columns that a FuncADL query gives must be named by strings.")
        return self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        for argument in node.args.args:
            if not argument.arg.isidentifier() or keyword.iskeyword(argument.arg) or argument.arg in RESERVED:
                raise InvalidSelection(f"{argument.arg!r} cannot be the name of a lambda's argument.")
        return self.generic_visit(node)

    def _is_numpy(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math") and node.id not in self._variables


def _numpy(node: ast.Attribute) -> ast.AST:
    name = MATHS.get(node.attr, node.attr)
    if name not in NUMPY and not isinstance(getattr(np, name, None), np.ufunc):
        raise InvalidSelection(f"Unknown function: np.{node.attr}. Only numpy's element-wise functions can be used.")
    return _of_numpy(name)


def _of_numpy(name: str) -> ast.Attribute:
    node = ast.Attribute(value=ast.Name(id="np", ctx=ast.Load()), attr=name, ctx=ast.Load())
    node.is_numpy = True  # type: ignore[attr-defined]
    return node
