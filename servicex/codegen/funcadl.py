"""The generator `uproot`: FuncADL in qastle text, in both of its dialects."""
import ast

import lark
import qastle
from qastle.parse import syntax_specification_pathname
from qastle.transform import TextASTToPythonASTTransformer

from servicex.codegen.catalogue import ALL_FORMATS
from servicex.codegen.funcadl_checks import list_functions, respell, take_dataset
from servicex.codegen.funcadl_columns import columns_read
from servicex.codegen.funcadl_expression import expression
from servicex.codegen.funcadl_words import DATASET
from servicex.codegen.source import runtime
from servicex.errors import InvalidSelection

# Python's own parser takes no more nested parentheses than this, and the program has as many as the query.
MAX_DEPTH = 200

# qastle's own parser is an Earley parser, which needs 5 s for a query of 80 kB; its grammar is LALR too: 0.3 s.
with open(syntax_specification_pathname, encoding="utf-8") as grammar:
    PARSER = lark.Lark(grammar.read(), start="record", parser="lalr", maybe_placeholders=False)


def translate(selection: str) -> tuple[str, frozenset[str]]:
    """The source of `generated_transformer.py`, and the formats it can write. Raises `InvalidSelection`."""
    query = parse(selection)
    query, tree_name = take_dataset(query)
    query = respell(query)
    columns = columns_read(query)
    return _source(tree_name, columns, _checked(expression(query))), ALL_FORMATS


def parse(selection: str) -> ast.AST:
    """The query as a Python AST with qastle's LINQ nodes, whichever dialect it came in. Raises `InvalidSelection`."""
    _refuse_deep(selection)
    try:
        module = TextASTToPythonASTTransformer().transform(PARSER.parse(selection))
        if not module.body:
            raise InvalidSelection("The selection is empty.")
        return qastle.insert_linq_nodes(list_functions(module.body[0].value))
    except lark.exceptions.UnexpectedInput as error:
        raise InvalidSelection(_where(selection, error)) from None
    except lark.exceptions.VisitError as error:
        raise _untranslatable(error.orig_exc) from None
    except (SyntaxError, NameError, ValueError, lark.exceptions.LarkError) as error:
        raise _untranslatable(error) from None


def _refuse_deep(selection: str) -> None:
    """Count parentheses, before anything recursive meets them."""
    depth = 0
    for character in selection:
        if character == "(":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidSelection(f"The FuncADL query is nested more than {MAX_DEPTH} levels deep.")
        elif character == ")":
            depth -= 1


def _where(selection: str, error: lark.exceptions.UnexpectedInput) -> str:
    position = error.pos_in_stream
    token = getattr(error, "token", None)
    # At its end, the parser gives the place of the last thing it read.
    if position is None or position < 0 or token is not None and token.type == "$END":
        return "The FuncADL query ends too early; a closing parenthesis may be missing."
    near = selection[position:position + 30]
    return f"The FuncADL query is not valid qastle: at line {error.line}, column {error.column}, near {near!r}."


def _untranslatable(error: BaseException) -> InvalidSelection:
    if isinstance(error, InvalidSelection):
        return error
    if isinstance(error, (RecursionError, MemoryError)):
        raise error
    return InvalidSelection(f"The FuncADL query cannot be translated: {error}")


def _checked(text: str) -> str:
    """The text of an expression, if Python can read it. Raises `InvalidSelection`."""
    try:
        compile(text, "query", "eval")
    except (SyntaxError, ValueError) as error:
        raise _untranslatable(error) from None
    return text


def _source(tree_name: str, columns: list[str] | None, text: str) -> str:
    lines = [runtime("funcadl"), "", runtime("funcadl_values"), f"TREE = {tree_name!r}", f"COLUMNS = {columns!r}"]
    if "four_vector(" in text:
        lines += ["", "import vector", "vector.register_awkward()"]
    lines += ["", "", "def select_columns(events):", f"    {DATASET} = stream(events)", f"    return columns({text})",
              ""]
    return "\n".join(lines)
