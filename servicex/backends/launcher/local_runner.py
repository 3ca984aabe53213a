"""Runs a transform's program on files, in at most one child process."""
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servicex.backends.launcher.base import Failure
from servicex.backends.launcher.local_transform import LocalTransform
from servicex.backends.launcher.local_turns import Stint
from servicex.errors import Unavailable
from servicex.processes import Child, ChildDied, ChildTimedOut, MemoryLimitExceeded, WarmParent
from servicex.transformer import TARGET

_MAX_TEXT = 4096
# More than any file holds, and few enough that the sum over a million files still fits into 64 bits.
_MAX_EVENTS = 2**40


@dataclass(frozen=True)
class WorkerLimits:
    """What local workers may use.

    `attempts` is how often a file is tried; `file_seconds` is in seconds and for one attempt; `memory_bytes` is bytes
    and for one worker with all its processes; `pause_seconds` in seconds comes before another attempt; `report_seconds`
    is how many seconds a report is tried for while the database is away.
    """

    attempts: int = 3
    file_seconds: float = 900.0
    memory_bytes: int = 4 * 2**30
    pause_seconds: float = 1.0
    report_seconds: float = 600.0


@dataclass(frozen=True)
class Transformed:
    """A file was transformed: which replica was read and how many entries it has."""

    path: str
    total_events: int


class AttemptFailed(Exception):
    """Raised when an attempt to transform a file failed; `retryable` if another one may go better."""

    def __init__(self, failure: Failure, retryable: bool):
        super().__init__(failure, retryable)
        self.failure = failure
        self.retryable = retryable


class ProgramRunner:
    """Keeps a child as long as it serves the same transform and nothing fails.

    Whoever calls `run` holds `in_use`; `kill` and `printed` may be called by any thread. `stint` says how long the
    child has been with its transform.
    """

    def __init__(self, warm: WarmParent, limits: WorkerLimits):
        self.in_use = threading.Lock()
        self.stint = Stint()
        self._warm = warm
        self._limits = limits
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._transform: LocalTransform | None = None
        self._asked = 0

    def run(self, transform: LocalTransform, paths: Sequence[str], output: Path,
            fetched: Path | None = None) -> Transformed:
        """Transform one file into `output`; `fetched` is a local copy of the first path. Raises `AttemptFailed`."""
        child = self._child_for(transform)
        try:
            done = self._ask(child, paths, output, fetched)
        except BaseException:
            # A child that failed once, or whose answer was never read, may be in any state.
            self.drop()
            raise
        finally:
            transform.log.add(child.log_tail())
            child.clear_log()
        return done

    def printed(self, transform: LocalTransform) -> str:
        """What the program printed for the file in hand, if it is one of this transform."""
        child = self._child if self._transform is transform else None
        return child.log_tail() if child else ""

    def kill(self, transform: LocalTransform) -> None:
        """Kill the child if it serves this transform."""
        with self._lock:
            if self._child is not None and self._transform is transform:
                self._child.kill()

    def drop(self) -> None:
        """End the child."""
        with self._lock:
            if self._child is not None:
                self._child.close()
            self._child = self._transform = None

    def _child_for(self, transform: LocalTransform) -> Child:
        if self._child is not None and self._transform is transform:
            return self._child
        self.drop()
        try:
            child = self._warm.spawn(TARGET, memory_limit=self._limits.memory_bytes)
        except (Unavailable, OSError) as error:
            raise AttemptFailed(Failure("WorkerNotStarted", str(error)), retryable=True) from error
        self._keep(child, transform)
        try:
            child.send(_introduction(transform))
        except (ChildDied, ChildTimedOut) as error:
            self.drop()
            raise _failed(child, "WorkerDied", f"The worker could not be started: {error}.") from None
        return child

    def _keep(self, child: Child, transform: LocalTransform) -> None:
        with self._lock:
            self._child, self._transform = child, transform
        if transform.stopped.is_set():
            # It was stopped while the child was on its way; nobody else could kill it.
            child.kill()

    def _ask(self, child: Child, paths: Sequence[str], output: Path, fetched: Path | None) -> Transformed:
        self._asked += 1
        try:
            child.send({"paths": list(paths), "output": str(output), "number": self._asked,
                        "fetched": str(fetched) if fetched else None})
            reply = child.receive(self._limits.file_seconds)
        except ChildTimedOut:
            deadline = f"The file was not transformed within its deadline of {self._limits.file_seconds:g} s."
            raise _failed(child, "DeadlineExceeded", deadline) from None
        except MemoryLimitExceeded as death:
            raise _failed(child, "MemoryLimitExceeded", f"The worker {death.how}.") from None
        except ChildDied as death:
            raise _failed(child, "WorkerDied", f"The worker {death.how}.") from None
        if reply.get("number", self._asked) != self._asked:
            twice = "The worker answered twice: a program that forks must end its children by os._exit."
            raise _failed(child, "WorkerDied", twice)
        return _understand(reply, paths, child)


def _introduction(transform: LocalTransform) -> dict[str, Any]:
    job = transform.job
    return {
        "program": str(transform.program),
        "language": job.language,
        "command": job.command,
        "result_format": job.result_format,
        "scratch": str(transform.scratch),
    }


def _understand(reply: dict[str, Any], paths: Sequence[str], child: Child) -> Transformed:
    """What a reply says; the user's program could have written it, so nothing in it is taken for granted."""
    path, total_events = reply.get("path"), reply.get("total_events")
    if reply.get("status") == "success" and isinstance(path, str) and path in paths and isinstance(total_events, int):
        return Transformed(path, min(max(0, int(total_events)), _MAX_EVENTS))
    failure = Failure(_text(reply, "error_class")[:120] or "WorkerDied", _text(reply, "message") or "No reason given.",
                      _text(reply, "trace"), child.log_tail())
    raise AttemptFailed(failure, reply.get("retryable") is True)


def _text(reply: dict[str, Any], key: str) -> str:
    value = reply.get(key)
    if not isinstance(value, str):
        return ""
    # JSON carries lone surrogates and NUL, but UTF-8 and PostgreSQL do not.
    return value[:_MAX_TEXT].replace("\0", "?").encode("utf-8", "replace").decode()


def _failed(child: Child, error_class: str, message: str) -> AttemptFailed:
    return AttemptFailed(Failure(error_class, message, log=child.log_tail()), True)
