"""What is told of an exception that a user's program raised, whatever it may be."""
import errno
import traceback
from collections.abc import Callable
from dataclasses import dataclass

MAX_TRACE = 2048
MAX_MESSAGE = 1000

_LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


@dataclass(frozen=True)
class Fault:
    """Why a file could not be transformed; `retryable` if another try may go better."""

    error_class: str
    message: str
    trace: str
    retryable: bool


def describe(error: BaseException) -> Fault:
    """What is told of an exception. Raises nothing, even if the exception's own methods do."""
    if is_disk_full(error):
        return Fault("DiskFull", "no space is left on the disk that holds the results", _trace(error), True)
    if isinstance(error, MemoryError):
        return Fault("MemoryLimitExceeded", _memory_message(error), _trace(error), False)
    if isinstance(error, SystemExit):
        return Fault("SystemExit", one_line(f"the program called sys.exit({_text(error)})"), _trace(error), False)
    name = _class_name(error)
    return Fault(name, one_line(_text(error)) or name, _trace(error), is_retryable(error))


def is_retryable(error: BaseException) -> bool:
    """Whether another try may go better: so it is with a server or a disk, and not with a program's own mistake."""
    if isinstance(error, OSError):
        return not isinstance(error, _LASTING)
    # The errors of HTTP reading, most of which are not OSErrors.
    return type(error).__module__.partition(".")[0] == "aiohttp"


def is_disk_full(error: BaseException) -> bool:
    """Whether the exception, or one that led to it, says that a disk or a quota is full."""
    seen: BaseException | None = error
    for _ in range(10):
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        seen = (seen.__cause__ or seen.__context__) if seen is not None else None
    return False


def one_line(text: str) -> str:
    """The text on one line, cut to `MAX_MESSAGE` characters."""
    # Cut first as well: a program may raise megabytes.
    line = " ".join(text[:4 * MAX_MESSAGE].split())
    return line if len(line) <= MAX_MESSAGE else line[:MAX_MESSAGE - 3] + "..."


def shorten(trace: str) -> str:
    """A stack trace of at most `MAX_TRACE` characters: its head line and its end, where the cause is."""
    trace = trace.strip()
    if len(trace) <= MAX_TRACE:
        return trace
    head = trace.partition("\n")[0][:200] + "\n...\n"
    return head + trace[len(head) - MAX_TRACE:]


def _memory_message(error: MemoryError) -> str:
    detail = one_line(_text(error))
    return "the program asked for more memory than a worker may have" + (f": {detail}" if detail else "")


def _class_name(error: BaseException) -> str:
    """The name of the exception's class, with its module where it says nothing alone: `zlib.error`."""
    kind = type(error)
    return f"{kind.__module__}.{kind.__name__}" if kind.__name__ == "error" else kind.__name__


def _text(error: BaseException) -> str:
    return _careful(lambda: str(error), "(its message cannot be shown)")


def _trace(error: BaseException) -> str:
    """The stack trace, without the frame of our own that called the program."""
    inner = error.__traceback__.tb_next if error.__traceback__ else None
    return shorten(_careful(lambda: "".join(traceback.format_exception(type(error), error, inner)), ""))


def _careful(make: Callable[[], str], otherwise: str) -> str:
    try:
        return make()
    except BaseException:  # noqa: B036 - whatever a user's __str__ may raise
        return otherwise
