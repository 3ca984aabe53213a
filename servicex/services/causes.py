"""Why files failed: messages that differ in names and numbers only are one cause, and for many it is known what helps.

Pure functions: what is read of the database is in `insights`.
"""
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

# Characters of a cause, and of the message that it is found in.
LONGEST = 300
READ = 1200
OTHER_REPLICAS = "; another replica: "
# What stands for what changes from file to file.
BLANKS = {"id": "<id>", "url": "<file>", "path": "<file>", "name": "<file>", "address": "<address>", "host": "<host>",
          "number": "<number>"}
CHANGING = re.compile(
    r"(?P<id>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?P<url>\b[a-zA-Z][\w+.-]*://[^\s'\"`,;)\]}>]+)"
    r"|(?P<path>(?<![\w<>/])/(?:[^\s'\"`,:;()\[\]{}<>/]+/)+[^\s'\"`,:;()\[\]{}<>/]*)"
    r"|(?P<name>\b[\w.+%=-]+\.(?:root|parquet|arrow|h5|tmp|py|so)\b(?:\.\d+)?)"
    r"|(?P<address>\b0[xX][0-9a-fA-F]+\b)"
    r"|(?P<host>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)"
    r"|(?P<number>(?<![\w.'\"`-])-?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?(?!\w))")
SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True)
class Failed:
    """Files that failed with one message: how many, and the first of them by id."""

    error_class: str
    message: str
    count: int
    file_id: int


@dataclass(frozen=True)
class Cause:
    """A cause, in words, and what may help; empty if nobody knows."""

    words: str
    hint: str = ""


@dataclass(frozen=True)
class CauseGroup:
    """The files that failed for one cause: how many, and the first of them by id."""

    cause: Cause
    error_class: str
    count: int
    file_id: int


@dataclass(frozen=True)
class Known:
    """A cause that is known: what its class and message look like, what to say of it, and what helps.

    The words may name groups of the pattern; without words the message itself is said.
    """

    pattern: re.Pattern[str]
    hint: str
    words: str = ""


def _known(pattern: str, hint: str, words: str = "") -> Known:
    return Known(re.compile(pattern, re.IGNORECASE | re.DOTALL), hint, words)


REPLICAS = ("The file could not be opened at any of its replicas. If it is a few files, the storage was away for a "
            "while: retry the failed files. If it is all files of one site, ask that site, or choose a dataset with a "
            "replica elsewhere.")
BRANCH = ("The file does not hold what the query reads. Look for a typing error, and at the names that the file has in "
          "the stack trace; if only some files lack it, they come from another version of the data.")
# The first that fits counts.
KNOWN: tuple[Known, ...] = (
    _known(r"^KeyInFileError: not found: '(?P<branch>[^']{1,100})' \(?because nothing that was asked for",
           BRANCH, "nothing that was asked for is in the file"),
    _known(r"^KeyInFileError: not found: '(?P<branch>[^']{1,100})'.*\bin object /?(?P<tree>[^\s;]{1,100})",
           BRANCH, "no branch `{branch}` in tree `{tree}`"),
    _known(r"^KeyInFileError: not found: '(?P<tree>[^']{1,100})' \(with any cycle number\)",
           "The file has no such tree. Its trees are named in the stack trace; most NanoAOD files have `Events`, most "
           "ATLAS ones `CollectionTree`.", "no tree `{tree}` in the file"),
    _known(r"^KeyInFileError: not found: '(?P<branch>[^']{1,100})'", BRANCH, "no `{branch}` in the file"),
    _known(r"^(?:Key|Attribute)Error: there is no '(?P<column>[^']{1,100})'",
           "The query asks a collection for a column that it does not have; those it has are named in the stack trace.",
           "no column `{column}`"),
    _known(r"^MemoryLimitExceeded|MemoryError|OOMKilled|out of memory|more memory than",
           "The program needs more memory than a worker may have. Read fewer columns, cut earlier, or ask whoever runs "
           "this server for more memory a worker."),
    _known(r"^DeadlineExceeded|timed? ?out|time-?out|operation expired",
           "Reading or transforming took too long. Retry the failed files; if it stays so, the storage is slow, or the "
           "query does too much for a file of this size."),
    _known(r"^WorkerKilled|^WorkerDied|killed by|SIGKILL|SIGSEGV",
           "The worker's process ended while it had the file in hand, mostly for want of memory or by a crash in a "
           "library. Retry the failed files; if the same ones fail, try one of them by itself."),
    _known(r"is empty \(0 bytes\)|is cut off|not a ROOT file|expected chunk of length|checksum|corrupt|truncated",
           "The input file itself is broken at the replica that was read. Tell whoever keeps the dataset; the other "
           "files are not affected."),
    _known(r"DiskFull|no space (?:is )?left",
           "The disk of the results is full. Delete transforms that nobody needs any more, or ask whoever runs this "
           "server."),
    _known(r"^ResultNotStored|^ObjectNameTaken",
           "The file was transformed, but its result could not be stored. Retry the failed files."),
    _known(r"^FileNotFoundError|^PermissionError|no such file|\b(?:403|404)\b|not authorized|permission denied|"
           r"authentication failed", REPLICAS),
    _known(r"xrootd|xrdcl|socket error|connection|no servers are available|\[(?:ERROR|FATAL)\]|unable to open|"
           r"^(?:OSError|TransformFailed|ClientError|ServerDisconnectedError)", REPLICAS),
    _known(r"^(?:SyntaxError|NameError|ImportError|ModuleNotFoundError|IndentationError)",
           "The program itself is at fault. If you wrote it, the stack trace says where; if it was generated from a "
           "query, please report it with the query."),
    _known(r"^(?:TypeError|ValueError|NotImplementedError|AttributeError|UnsupportedExpression)|"
           r"cannot be used like this",
           "The query asks for something that cannot be done with these columns, or that is not supported. The stack "
           "trace says where; try the query on one file first."),
    _known(r"^NoOutput|wrote no|without writing",
           "The program ran but wrote no result. A function of your own has to return its columns."),
    _known(r"^(?:IndexError|KeyError|ZeroDivisionError|AssertionError)",
           "The program failed on what is in these files. The stack trace says in which line."),
)


def cause_of(error_class: str, message: str) -> Cause:
    """The cause that stands behind a message, without what changes from file to file."""
    text = normalized(message)
    return _cause(f"{error_class}: {text}" if error_class else text)


@lru_cache(maxsize=1024)
def _cause(text: str) -> Cause:
    """The cause behind a normalized message. Of these there are few, and to look through all that is known is slow."""
    for known in KNOWN:
        found = known.pattern.search(text)
        if found:
            return Cause(known.words.format(**found.groupdict()) if known.words else _cut(text), known.hint)
    return Cause(_cut(text) or "no reason was given")


def normalized(message: str) -> str:
    """The message on one line, with paths, numbers, addresses, ids and names of files blanked.

    What it says of other replicas than the first is left out.
    """
    first = message[:READ].partition(OTHER_REPLICAS)[0]
    return SPACES.sub(" ", CHANGING.sub(_blank, first)).strip()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"


def _blank(found: re.Match[str]) -> str:
    return BLANKS[found.lastgroup or "number"]


def grouped(failures: Iterable[Failed]) -> Sequence[CauseGroup]:
    """The failures by cause, the commonest first."""
    groups: dict[str, CauseGroup] = {}
    for failed in failures:
        cause = cause_of(failed.error_class, failed.message)
        known = groups.get(cause.words)
        if known is None:
            groups[cause.words] = CauseGroup(cause, failed.error_class, failed.count, failed.file_id)
        else:
            groups[cause.words] = replace(known, count=known.count + failed.count,
                                          file_id=min(known.file_id, failed.file_id))
    return sorted(groups.values(), key=lambda group: (-group.count, group.file_id))
