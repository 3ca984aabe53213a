"""A query, or a program, as a person reads it: formatted, and with its words marked by classes."""
import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer, PythonLexer

from servicex.web import plain_text

# So many characters are shown, and up to so many get marks: those cost a hundred times as much as the text.
SHOWN, MARKED = 30_000, 6_000
WIDTH = 96
DEEPEST = 60
TOKEN = re.compile(r"\s*(?:([()])|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s()]+))")
LEXERS = {"Python": PythonLexer, "JSON": JsonLexer}
Tree = str | list["Tree"]


@dataclass(frozen=True)
class Shown:
    """A text in a language, ready for a page."""

    language: str
    text: Markup
    cut: bool = False


def query(selection: str | None, code_generator: str) -> Shown:
    """The selection of a transform."""
    language, text = _in_plain(selection or "", code_generator)
    return shown(text, language)


def source(name: str, content: bytes) -> Shown:
    """A file of a program."""
    text = content[:4 * SHOWN].decode("utf-8", "replace")
    return shown(text, "Python" if name.endswith(".py") else "JSON" if name.endswith(".json") else "Text")


def shown(text: str, language: str) -> Shown:
    """The text, made harmless, with marks if it is short enough."""
    safe = plain_text.block(text, SHOWN)
    lexer = LEXERS.get(language)
    if lexer is None or len(safe) > MARKED:
        return Shown(language, escape(safe), len(text) > SHOWN)
    return Shown(language, Markup(highlight(safe, lexer(stripnl=False), HtmlFormatter(nowrap=True))), len(text) > SHOWN)


def _in_plain(selection: str, code_generator: str) -> tuple[str, str]:
    """The language and the formatted text. What cannot be read is left as it is."""
    if "python" in code_generator:
        return "Python", _decoded(selection)
    text = selection.strip()
    if text[:1] in ("[", "{"):
        return "JSON", _pretty(text)
    if text[:1] == "(":
        return "FuncADL", formatted(text)
    return "Text", selection


def _decoded(selection: str) -> str:
    try:
        return base64.b64decode(selection[:8 * SHOWN // 4 * 4], validate=False).decode("utf-8", "replace")
    except ValueError:
        return selection


def _pretty(text: str) -> str:
    if len(text) > SHOWN:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def formatted(text: str) -> str:
    """A query in qastle's text form with a line for each part that does not fit into one; as it is if it is none."""
    tree = _parsed(text) if len(text) <= SHOWN else None
    return text if tree is None else _laid_out(tree, 0)


def _parsed(text: str) -> Tree | None:
    """The nested lists of an S-expression; None if it is none, or nested deeper than anybody reads."""
    open_lists: list[list[Tree]] = [[]]
    place = 0
    while found := TOKEN.match(text, place):
        place = found.end()
        if found[1] == "(":
            open_lists.append([])
        elif found[1] == ")":
            done = open_lists.pop()
            if not open_lists:
                return None
            open_lists[-1].append(done)
        else:
            open_lists[-1].append(found[2])
        if len(open_lists) > DEEPEST:
            return None
    (whole,) = open_lists if len(open_lists) == 1 else ([],)
    return whole[0] if len(whole) == 1 and not text[place:].strip() else None


def _laid_out(tree: Tree, indent: int) -> str:
    flat = _flat(tree)
    if isinstance(tree, str) or len(flat) + indent <= WIDTH:
        return flat
    head = _head(tree)
    pad = " " * (indent + 2)
    rest = [pad + _laid_out(part, indent + 2) for part in tree[len(head):]]
    return "\n".join(["(" + " ".join(_flat(part) for part in head), *rest]) + ")"


def _head(tree: Sequence[Tree]) -> Sequence[Tree]:
    """What stays on the first line: `call` with what is called, `lambda` with its arguments, else the first word."""
    words = 2 if tree and tree[0] in ("call", "lambda") else 1
    return tree[:words] if all(isinstance(part, str) for part in tree[:1]) else ()


def _flat(tree: Tree) -> str:
    return tree if isinstance(tree, str) else "(" + " ".join(_flat(part) for part in tree) + ")"
