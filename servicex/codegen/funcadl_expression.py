"""A FuncADL query as a Python expression, in the words of `programs/funcadl_values.py`.

Each lambda becomes a lambda of Python. What loops over a list is told, besides, which of the outer variables its lambda
names: with that the program knows for what each element of the list has to be looked at.
"""
import ast
from collections.abc import Iterator
from contextlib import contextmanager

from servicex.codegen.funcadl_checks import is_events, is_numpy
from servicex.codegen.funcadl_words import DATASET, LOOPS, OPERATORS
from servicex.errors import InvalidSelection

VECTORS = ("ToFourMomentum", "ToFourMomenta")
# What stands in the program as it stands in the query.
KNOWN = (ast.Constant, ast.BinOp, ast.operator, ast.unaryop, ast.Subscript, ast.expr_context, ast.Dict,
         ast.List, ast.Tuple)


def expression(query: ast.AST) -> str:
    """The query, checked and respelled, as the text of a Python expression. Raises `InvalidSelection`."""
    return ast.unparse(ast.fix_missing_locations(_Translator().visit(query)))


class _Translator(ast.NodeTransformer):
    """Translates the nodes that it knows; whatever else a query may hold is refused."""

    def __init__(self) -> None:
        self._variables: list[str] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if type(node) in LOOPS:
            return self._loop(node)
        if type(node) in OPERATORS:
            return _call(OPERATORS[type(node)], *[self.visit(value) for _, value in ast.iter_fields(node)])
        if isinstance(node, KNOWN):
            return super().generic_visit(node)
        raise InvalidSelection("The FuncADL query uses something that uproot queries do not have: "
                               f"{type(node).__name__}.")

    def _loop(self, node: ast.AST) -> ast.AST:
        word, name = LOOPS[type(node)]
        function = getattr(node, name)
        if len(function.args.args) != 1:
            raise InvalidSelection(f"The lambda of {type(node).__name__} must have exactly one argument.")
        source = self.visit(node.source)  # type: ignore[attr-defined]
        return _call(word, source, self._lambda(function), *self._outer(function))

    def _outer(self, function: ast.Lambda) -> list[ast.expr]:
        """The outer variables that a lambda names."""
        own = {argument.arg for argument in function.args.args}
        named = {node.id for node in ast.walk(function.body) if isinstance(node, ast.Name) and not is_events(node)}
        return [ast.Name(id=name, ctx=ast.Load()) for name in sorted((named - own) & set(self._variables))]

    def _lambda(self, function: ast.Lambda) -> ast.Lambda:
        with self._within(function):
            return ast.Lambda(args=function.args, body=self.visit(function.body))

    @contextmanager
    def _within(self, function: ast.Lambda) -> Iterator[None]:
        depth = len(self._variables)
        self._variables += [argument.arg for argument in function.args.args]
        yield
        del self._variables[depth:]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id=DATASET if is_events(node) else node.id, ctx=ast.Load())

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        raise InvalidSelection("A lambda can only be what Select, Where and their like are given.")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if is_numpy(node):
            return node
        return ast.Subscript(value=self.visit(node.value), slice=ast.Constant(value=node.attr), ctx=ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        arguments = [self.visit(argument) for argument in node.args]
        if isinstance(node.func, ast.Lambda):
            return ast.Call(func=self._lambda(node.func), args=arguments, keywords=[])
        if isinstance(node.func, ast.Attribute) and not is_numpy(node.func):
            return self._method(node.func, arguments)
        if is_numpy(node.func) and node.func.attr in ("where", "clip"):  # type: ignore[attr-defined]
            return _choice(node.func.attr, arguments)  # type: ignore[attr-defined]
        if isinstance(node.func, (ast.Name, ast.Attribute)):
            return ast.Call(func=node.func, args=arguments, keywords=[])
        raise InvalidSelection("The FuncADL query calls something that is no function.")

    def _method(self, method: ast.Attribute, arguments: list[ast.expr]) -> ast.AST:
        owner = self.visit(method.value)
        if method.attr in VECTORS and not arguments:
            return _call("four_vector", owner)
        return _call("method", owner, ast.Constant(value=method.attr), *arguments)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        word = "both" if isinstance(node.op, ast.And) else "either"
        return _joined(word, [self.visit(value) for value in node.values])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if isinstance(node.op, ast.Not):
            return _call("negated", self.visit(node.operand))
        return ast.UnaryOp(op=node.op, operand=self.visit(node.operand))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        values = [self.visit(value) for value in (node.left, *node.comparators)]
        return _joined("both", [ast.Compare(left=left, ops=[operator], comparators=[right])
                                for left, operator, right in zip(values, node.ops, values[1:], strict=False)])

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return _call("if_else", self.visit(node.test), self.visit(node.body), self.visit(node.orelse))


def _choice(name: str, arguments: list[ast.expr]) -> ast.expr:
    """`np.where` and `np.clip`, which awkward arrays do not know or understand otherwise."""
    if len(arguments) != 3:
        raise InvalidSelection(f"np.{name} takes three arguments in a FuncADL query.")
    if name == "where":
        return _call("if_else", *arguments)
    value, least, most = arguments
    return _numpy("minimum", _numpy("maximum", value, least), most)


def _joined(word: str, values: list[ast.expr]) -> ast.expr:
    joined = values[0]
    for value in values[1:]:
        joined = _call(word, joined, value)
    return joined


def _call(word: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(id=word, ctx=ast.Load()), args=list(arguments), keywords=[])


def _numpy(name: str, *arguments: ast.expr) -> ast.Call:
    function = ast.Attribute(value=ast.Name(id="np", ctx=ast.Load()), attr=name, ctx=ast.Load())
    return ast.Call(func=function, args=list(arguments), keywords=[])
