"""The first steps of a child, between the fork and the function it is to run. Everything here runs in the child."""
import importlib
import os
import random
import resource
import signal
import socket
import sys
import traceback
from typing import NoReturn

from servicex.processes import linux
from servicex.processes.messages import Connection


def run(target: str, sock: socket.socket, log: int, memory_limit: int | None, parent: int) -> NoReturn:
    """Be the child: prepare the process, call `target` ("module:function") with its connection, and exit.

    `log` is the file descriptor that takes what is printed; `memory_limit` is in bytes; `parent` is the warm parent.
    """
    status = 1
    try:
        sock.set_inheritable(False)
        _prepare(log, memory_limit, parent)
        status = _call(target, sock)
    finally:
        _flush()
        # Not sys.exit: what the warm parent registered to be done at its own end is not the child's to do.
        os._exit(status)


def _prepare(log: int, memory_limit: int | None, parent: int) -> None:
    os.setsid()
    linux.die_with_parent(parent)
    linux.show()
    linux.offer_to_be_killed()
    _default_signals()
    _redirect(log)
    _limit(memory_limit)
    _reseed()


def _call(target: str, sock: socket.socket) -> int:
    module, _, function = target.partition(":")
    try:
        getattr(importlib.import_module(module), function)(Connection(sock))
    except EOFError:
        return 0
    except BaseException:  # noqa: B036 - the process ends here
        traceback.print_exc()
        return 1
    return 0


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _redirect(log: int) -> None:
    """Let file descriptors 1 and 2 lead to the log, so that what C++ libraries print arrives there too."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _limit(memory_limit: int | None) -> None:
    _set_limit(resource.RLIMIT_CORE, 0)
    if memory_limit is None:
        return
    if sys.platform == "linux":
        # What the warm parent had already is not held against the child.
        _set_limit(resource.RLIMIT_DATA, memory_limit + linux.data_size())
    else:
        _set_limit(resource.RLIMIT_AS, memory_limit)


def _set_limit(which: int, value: int) -> None:
    try:
        resource.setrlimit(which, (value, value))
    except (ValueError, OSError):
        # macOS refuses some limits, and a lower one may be set from outside: then that one holds.
        pass


def _reseed() -> None:
    """Give every child random numbers of its own; all would inherit the warm parent's otherwise."""
    random.seed()
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # Closed or replaced by the program that ran here.
            pass
