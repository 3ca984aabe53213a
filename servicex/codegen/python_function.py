"""The generator `python`: a function of the user's own."""
import ast
import base64
import warnings
from collections.abc import Iterator

from servicex.codegen.catalogue import ALL_FORMATS
from servicex.codegen.source import runtime
from servicex.errors import InvalidSelection

FUNCTION = "run_query"


def translate(selection: str) -> tuple[str, frozenset[str]]:
    """The source of `generated_transformer.py`, and the formats it can write. Raises `InvalidSelection`.

    The user's source stands first and unchanged, so that the lines in its error messages are the user's own.
    """
    source = _decoded(selection)
    _check(_parsed(source))
    return f"{source}\n\n\n{runtime('python_function')}", ALL_FORMATS


def _decoded(selection: str) -> str:
    try:
        return base64.b64decode("".join(selection.split()), validate=True).decode("utf-8")
    except ValueError as error:
        what = "UTF-8 text" if isinstance(error, UnicodeDecodeError) else "base64"
        raise InvalidSelection(f"The Python function cannot be read: it is not valid {what}.") from None


def _parsed(source: str) -> ast.Module:
    """The syntax tree, read from bytes as Python's own import does, which heeds a coding line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source.encode(), "selection", "exec", dont_inherit=True)
            return ast.parse(source.encode(), "selection")
    except SyntaxError as error:
        text = (error.text or "").strip()[:200]
        at = f" in line {error.lineno}: {text}" if error.lineno else ""
        raise InvalidSelection(f"The Python function has a syntax error{at} ({error.msg}).") from None
    except ValueError as error:
        raise InvalidSelection(f"The Python function cannot be read: {error}.") from None


def _check(module: ast.Module) -> None:
    """Raise `InvalidSelection` unless the module defines `run_query`, to be called with one file."""
    definitions = list(_definitions(module.body))
    ours = [node for name, node in definitions if name == FUNCTION]
    if not ours:
        names = ", ".join(sorted({name for name, node in definitions if isinstance(node, ast.FunctionDef)}))
        found = f"it defines {names}" if names else "it defines no function"
        raise InvalidSelection(f"The Python source must define {FUNCTION}(input_filenames=None); {found}.")
    if isinstance(ours[-1], ast.AsyncFunctionDef):
        raise InvalidSelection(f"{FUNCTION} must be a plain function, not an async one.")
    if isinstance(ours[-1], ast.FunctionDef) and not _takes_one(ours[-1].args):
        raise InvalidSelection(f"{FUNCTION} must take one argument, the path of the input file.")


def _takes_one(arguments: ast.arguments) -> bool:
    """Whether a function with these arguments can be called with a single positional one."""
    positional = arguments.posonlyargs + arguments.args
    required = len(positional) - len(arguments.defaults)
    keywords_required = any(default is None for default in arguments.kw_defaults)
    return required <= 1 and (bool(positional) or arguments.vararg is not None) and not keywords_required


def _definitions(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """The names that statements at the top of a module bind, also within if, try and with, each with its statement."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name, node) for alias in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from ((name, node) for name in _stored(node))
        else:
            yield from _definitions(_inner(node))


def _stored(statement: ast.stmt) -> list[str]:
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return [node.id for node in names if isinstance(node.ctx, ast.Store)]


def _inner(node: ast.stmt) -> list[ast.stmt]:
    """The statements within a compound statement."""
    inner: list[ast.stmt] = []
    for field in ("body", "orelse", "finalbody"):
        inner += getattr(node, field, [])
    for handler in getattr(node, "handlers", []):
        inner += handler.body
    return inner
