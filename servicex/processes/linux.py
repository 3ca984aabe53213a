"""What only Linux offers, with nothing done elsewhere: there a child that misbehaves is killed, not foreseen.

prctl(2) and proc(5) say what the numbers and fields mean.
"""
import ctypes
import os
import signal
import sys
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_FIRST_TO_BE_KILLED = b"1000"


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent, whose pid is given, ends; ends at once if it has ended already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def hide() -> None:
    """Close this process's memory and first environment to other processes of its user (not to root)."""
    _prctl(_PR_SET_DUMPABLE, 0)


def show() -> None:
    """Undo `hide`, also where it was inherited."""
    _prctl(_PR_SET_DUMPABLE, 1)


def gain_nothing() -> None:
    """Let this process and all that it starts never gain rights from a file that gives them, such as sudo."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def offer_to_be_killed() -> None:
    """Have the kernel take this process and its children first when memory runs out, not whoever watches over them."""
    try:
        with open("/proc/self/oom_score_adj", "wb") as file:
            file.write(_FIRST_TO_BE_KILLED)
    except OSError:
        pass


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose own parent ended, so that none can slip away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children_of(pid: int) -> list[int]:
    """The pids of the children of a process."""
    return [child for child, parent, _ in _processes() if parent == pid]


def session_memory(session: int) -> int:
    """The bytes that the processes of a session hold, together; 0 where it cannot be known."""
    return sum(memory_of(pid) for pid, _, its in _processes() if its == session)


def memory_of(pid: int) -> int:
    """The bytes that a process alone holds, 0 if not known. Mapped files do not count: the system may drop them."""
    return _status_bytes(pid, ("RssAnon:", "RssShmem:"))


def data_size() -> int:
    """The bytes of this process that count towards RLIMIT_DATA, 0 if not known."""
    return _status_bytes(os.getpid(), ("VmData:",))


def _status_bytes(pid: int, fields: tuple[str, ...]) -> int:
    """The sum of some sizes in /proc/<pid>/status."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(fields))
    except (OSError, ValueError):
        return 0


def _processes() -> Iterator[tuple[int, int, int]]:
    """The pid, parent and session of every process; /proc/<pid>/task/*/children is not in every kernel."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The command, in brackets, may itself hold brackets and spaces.
                _, parent, _, session, *_ = file.read().rpartition(b")")[2].split()
        except (OSError, ValueError):
            continue
        yield pid, int(parent), int(session)
