"""The processes of a container live and die together: whoever restarts containers then knows when to."""
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from servicex.processes.linux import die_with_parent

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
FAILED = 1


def supervise(programs: Mapping[str, Sequence[str]], grace: float) -> int:
    """Run programs, by name, until one ends or this process is told to end; gives the exit status for it.

    That is 0 only if it was told (SIGTERM or SIGINT). The programs are told too, and killed after `grace` seconds.
    """
    told = threading.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, lambda *_: told.set())
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in programs.items():
            running[name] = _start(command)
        return _watch(running, told)
    finally:
        _end(running.values(), grace)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches it through us, and all of it can be killed."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True,
                            preexec_fn=partial(die_with_parent, os.getpid()))


def _watch(running: Mapping[str, subprocess.Popen[bytes]], told: threading.Event) -> int:
    while not told.wait(POLL_SECONDS):
        _bury_orphans({process.pid for process in running.values()})
        for name, process in running.items():
            status = process.poll()
            if status is not None:
                log.error("%s ended (status %d), and so does the server", name, status)
                return status if status > 0 else FAILED
    log.info("told to end")
    return 0


def _bury_orphans(ours: set[int]) -> None:
    """The first process of a container is given those that lost their parent, and they stay until it asks for them."""
    with suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid not in ours:
            os.waitpid(dead.si_pid, 0)


def _end(processes: Iterable[subprocess.Popen[bytes]], grace: float) -> None:
    deadline = time.monotonic() + grace
    for process in processes:
        process.terminate()
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
