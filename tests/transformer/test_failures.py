"""What is told of exceptions, the hostile ones too."""
import errno
import subprocess

import pytest

from servicex.transformer.failures import MAX_MESSAGE, MAX_TRACE, describe, shorten


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: B036 - any of them is to be described
        return caught


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


class OwnBase(BaseException):
    pass


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


@pytest.mark.parametrize("error, error_class, message, retryable", [
    (KeyError("pt"), "KeyError", "'pt'", False),
    (ValueError("a\n  b"), "ValueError", "a b", False),
    (AssertionError(), "AssertionError", "AssertionError", False),
    (OSError("server went away"), "OSError", "server went away", True),
    (ConnectionResetError("reset"), "ConnectionResetError", "reset", True),
    (TimeoutError("slow"), "TimeoutError", "slow", True),
    (FileNotFoundError(errno.ENOENT, "No such file", "/x"), "FileNotFoundError", "[Errno 2] No such file: '/x'", False),
    (PermissionError("closed"), "PermissionError", "closed", False),
    (IsADirectoryError("folder"), "IsADirectoryError", "folder", False),
    (OSError(errno.ENOSPC, "full"), "DiskFull", "no space is left on the disk that holds the results", True),
    (MemoryError(), "MemoryLimitExceeded", "the program asked for more memory than a worker may have", False),
    (SystemExit(0), "SystemExit", "the program called sys.exit(0)", False),
    (KeyboardInterrupt(), "KeyboardInterrupt", "KeyboardInterrupt", False),
    (OwnBase("odd"), "OwnBase", "odd", False),
    (Unprintable(), "Unprintable", "(its message cannot be shown)", False),
    (Exiting(), "Exiting", "(its message cannot be shown)", False),
])
def test_exceptions_are_described(error, error_class, message, retryable):
    fault = describe(raised(error))
    assert (fault.error_class, fault.message, fault.retryable) == (error_class, message, retryable)


def test_error_caused_by_a_full_disk_says_so():
    try:
        try:
            raise OSError(errno.ENOSPC, "full")
        except OSError as error:
            raise RuntimeError("could not write") from error
    except RuntimeError as error:
        assert describe(error).error_class == "DiskFull"


def test_errors_of_http_reading_may_be_tried_again():
    error = type("ServerDisconnectedError", (Exception,), {"__module__": "aiohttp.client_exceptions"})()
    assert describe(raised(error)).retryable


def test_subprocess_errors_are_the_programs_own():
    assert not describe(raised(subprocess.CalledProcessError(1, "false"))).retryable


def test_huge_message_is_cut():
    fault = describe(raised(ValueError("word " * 5_000_000)))
    assert len(fault.message) == MAX_MESSAGE and fault.message.endswith("...")
    assert len(fault.trace) <= MAX_TRACE


def test_trace_keeps_its_head_and_its_end():
    trace = "Traceback (most recent call last):\n" + "  a line\n" * 1000 + "KeyError: 'pt'"
    short = shorten(trace)
    assert len(short) == MAX_TRACE
    assert short.startswith("Traceback (most recent call last):\n...\n") and short.endswith("KeyError: 'pt'")
    assert shorten("short\n") == "short"
