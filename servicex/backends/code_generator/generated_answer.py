"""The answer of a code generator: a form of four fields, the last of which is the program as a zip archive."""
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping

from multipart import MultipartError, MultipartParser, MultipartPart, parse_options_header

from servicex.backends.code_generator.base import GeneratedCode
from servicex.codegen.catalogue import PARQUET, ROOT_FILE, ROOT_RNTUPLE

FIELDS = ("transformer_image", "language", "command", "zip_data")
CAPABILITIES = "transformer_capabilities.json"
MAX_FIELDS = 16
MAX_FILES = 100
# Programs are handed to transformers in a ConfigMap, which holds so much.
MAX_PROGRAM_BYTES = 1024 ** 2
# What a ConfigMap takes for a key. No separator is among it, and names of dots alone are refused.
FILE_NAME = re.compile(r"(?!\.+$)[-._a-zA-Z0-9]{1,253}")
# What a transformer is started with: words of a command line, none of them any shell's own.
COMMAND_LINE = re.compile(r"[\w./+=:@-]+( [\w./+=:@-]+)*", re.ASCII)
MAX_COMMAND = 256
MAX_IMAGE = 512
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Every known program writes ROOT files, also the one whose capabilities do not say so.
ALWAYS = frozenset({ROOT_FILE})
FORMATS = {PARQUET: PARQUET, ROOT_RNTUPLE: ROOT_RNTUPLE}


class NotUnderstood(Exception):
    """Raised when an answer is not what a code generator sends; the message says in what."""


def read_answer(content_type: str, body: bytes) -> GeneratedCode:
    """The program in an answer; its image may be empty. Raises NotUnderstood."""
    fields = _fields(content_type, body)
    image, language, command = (_text(name, fields[name]) for name in FIELDS[:3])
    if len(image) > MAX_IMAGE or not image.isprintable():
        raise NotUnderstood("its image is no name")
    for name, text in (("language", language), ("command", command)):
        if len(text) > MAX_COMMAND or not COMMAND_LINE.fullmatch(text):
            raise NotUnderstood(f"its {name} is no plain command")
    files = _files(fields["zip_data"])
    return GeneratedCode(image, language, command, files, _formats(files))


def _fields(content_type: str, body: bytes) -> Mapping[str, bytes]:
    """The four fields by name; if the names are others, they are taken in their order."""
    parts = _parts(content_type, body)
    by_name = {part.name: part.raw for part in parts}
    if all(name in by_name for name in FIELDS):
        return by_name
    if len(parts) != len(FIELDS):
        raise NotUnderstood(f"it has {len(parts)} fields, not {len(FIELDS)}")
    return {name: part.raw for name, part in zip(FIELDS, parts, strict=True)}


def _parts(content_type: str, body: bytes) -> list[MultipartPart]:
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise NotUnderstood("it is no multipart/form-data")
    try:
        return list(MultipartParser(io.BytesIO(body), options["boundary"], part_limit=MAX_FIELDS,
                                    spool_limit=len(body), memory_limit=len(body)))
    except (MultipartError, ValueError) as error:
        raise NotUnderstood(f"its form is broken ({error})") from error


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise NotUnderstood(f"its {name} is no text") from None


def _files(archive: bytes) -> dict[str, bytes]:
    """The files of an archive; of two that have one name, the later one, since that is what generators rely on."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            _check_members(packed.infolist())
            return {member.filename: packed.read(member) for member in packed.infolist()}
    # An encrypted member is a RuntimeError, a compression that this Python lacks a NotImplementedError.
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
        raise NotUnderstood(f"its archive is broken ({error})") from error


def _check_members(members: Iterable[zipfile.ZipInfo]) -> None:
    """Refuse before anything is unpacked. What a member says of its size is also the most that is read of it."""
    members = list(members)
    size = sum(member.file_size for member in members)
    if len(members) > MAX_FILES or size > MAX_PROGRAM_BYTES:
        raise NotUnderstood(f"its archive has {len(members)} files with {size} bytes; at most {MAX_FILES} files with "
                            f"{MAX_PROGRAM_BYTES} bytes are possible")
    for member in members:
        if not FILE_NAME.fullmatch(member.filename):
            raise NotUnderstood(f"its archive has a file named {member.filename[:100]!r}")
        if member.compress_type not in COMPRESSIONS:
            raise NotUnderstood("its archive is compressed in an unusual way")


def _formats(files: Mapping[str, bytes]) -> frozenset[str]:
    """The result formats that a program says it can write, in its `transformer_capabilities.json`."""
    try:
        capabilities = json.loads(files[CAPABILITIES])
        words = [str(word).lower() for word in capabilities["file-formats"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise NotUnderstood(f"its archive has no {CAPABILITIES} that says what can be written") from None
    return ALWAYS | {FORMATS[word] for word in words if word in FORMATS}
