"""From a selection to a program: the one door to the built-in code generators."""
import json
from collections.abc import Callable
from dataclasses import dataclass

from servicex.codegen import funcadl, python_function, uproot_raw
from servicex.codegen.catalogue import COMMAND, GENERATORS, LANGUAGE, PARQUET, ROOT_FILE
from servicex.codegen.source import runtime
from servicex.errors import InvalidSelection

# The whole program has to fit into a Kubernetes ConfigMap, 1 MiB with everything around it.
MAX_PROGRAM_BYTES = 900_000
# A Python function comes in base64, a third longer than itself; nothing above that can become a program.
MAX_SELECTION_CHARACTERS = MAX_PROGRAM_BYTES * 4 // 3

TRANSLATIONS: dict[str, Callable[[str], tuple[str, frozenset[str]]]] = {
    "uproot": funcadl.translate,
    "uproot-raw": uproot_raw.translate,
    "python": python_function.translate,
}


@dataclass(frozen=True)
class Program:
    """A generated program: its files, name to content, and the result formats that it can write."""

    files: dict[str, bytes]
    formats: frozenset[str]


def generate(name: str, selection: str) -> Program:
    """The program of the generator `name` for the selection: the same bytes for the same selection.

    Nothing of the selection is executed. Raises `InvalidSelection` with a reason for a physicist, and `KeyError` if
    there is no generator of that name.
    """
    translate = TRANSLATIONS[name]
    _refuse_unusable(selection)
    try:
        source, formats = translate(selection)
        program = Program(_files(name, source, formats), formats)
    except (RecursionError, MemoryError):
        raise InvalidSelection("The selection is nested too deeply or too large to be translated.") from None
    _refuse_large(program)
    return program


def _refuse_unusable(selection: str) -> None:
    if len(selection) > MAX_SELECTION_CHARACTERS:
        raise InvalidSelection(f"The selection is too large: it has {len(selection)} characters; the built-in code "
                               f"generators take at most {MAX_SELECTION_CHARACTERS}.")
    if not selection.strip():
        raise InvalidSelection("The selection is empty.")
    try:
        selection.encode()
    except UnicodeEncodeError:
        raise InvalidSelection("The selection holds characters that are not valid Unicode.") from None


def _refuse_large(program: Program) -> None:
    size = sum(len(content) for content in program.files.values())
    if size > MAX_PROGRAM_BYTES:
        raise InvalidSelection(f"The program made from the selection would have {size} bytes; "
                               f"at most {MAX_PROGRAM_BYTES} are possible. Make the selection smaller.")


def _files(name: str, source: str, formats: frozenset[str]) -> dict[str, bytes]:
    return {
        "generated_transformer.py": source.encode(),
        "transform_single_file.py": runtime("transform_single_file").encode(),
        "transformer_capabilities.json": _capabilities(name, formats).encode(),
    }


def _capabilities(name: str, formats: frozenset[str]) -> str:
    description = GENERATORS[name]
    return json.dumps({
        "name": name,
        "description": description.description,
        "limitations": description.limitations,
        "file-formats": _sidecar_formats(formats),
        "stats-parser": description.stats_parser,
        "language": LANGUAGE,
        "command": COMMAND,
    }, indent=4) + "\n"


def _sidecar_formats(formats: frozenset[str]) -> list[str]:
    """The formats in the sidecar's words: it says `root` for what everybody else calls `root-file`."""
    order = (PARQUET, ROOT_FILE, "root-rntuple")
    return ["root" if name == ROOT_FILE else name for name in order if name in formats]
