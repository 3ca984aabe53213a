"""Which columns of the tree a FuncADL query reads, so that the others of a tree of thousands are left alone."""
import ast

from qastle import Select, SelectMany, Where

from servicex.codegen.funcadl_checks import is_events


def columns_read(query: ast.AST) -> list[str] | None:
    """The columns that the query names, sorted; None if it may need any of them, as when it returns whole events.

    `query` is one over `events`, as `take_dataset` gives it.
    """
    columns: set[str] = set()
    try:
        _visit(query, frozenset(), columns)
    except _WholeEvents:
        return None
    return sorted(columns) or None


class _WholeEvents(Exception):
    """Raised when events are used as a whole, so that no column can be left out."""


def _visit(node: ast.AST, events: frozenset[str], columns: set[str]) -> None:
    """Note the columns read below this node; `events` are the variables that stand for an event there."""
    if isinstance(node, (Select, SelectMany)) and _are_events(node.source):
        _visit_step(node, events, columns)
    elif isinstance(node, ast.Call) and _column(node.func, events) is not None:
        raise _WholeEvents  # a method of the event itself
    elif (column := _column(node, events)) is not None:
        columns.add(column)
    elif _are_events(node) or isinstance(node, ast.Name) and node.id in events:
        raise _WholeEvents
    elif isinstance(node, ast.Lambda):
        _visit(node.body, events - {argument.arg for argument in node.args.args}, columns)
    else:
        for child in ast.iter_child_nodes(node):
            _visit(child, events, columns)


def _visit_step(step: ast.AST, events: frozenset[str], columns: set[str]) -> None:
    """Go through a Where or Select over events, whose lambda's variable is an event."""
    function = step.predicate if isinstance(step, Where) else step.selector  # type: ignore[attr-defined]
    if not is_events(step.source):  # type: ignore[attr-defined]
        _visit_step(step.source, events, columns)  # type: ignore[attr-defined]
    _visit(function.body, events | {argument.arg for argument in function.args.args}, columns)


def _are_events(node: ast.AST) -> bool:
    """Whether the node gives whole events: the dataset, or a part of it that Where chose."""
    while isinstance(node, Where):
        node = node.source
    return is_events(node)


def _column(node: ast.AST, events: frozenset[str]) -> str | None:
    """The column that `e.column` or `e['column']` reads, None if the node is nothing of the kind."""
    if not isinstance(node, (ast.Attribute, ast.Subscript)):
        return None
    if not isinstance(node.value, ast.Name) or node.value.id not in events:
        return None
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return None
