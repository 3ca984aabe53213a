"""One local worker: a thread that takes turns, has files transformed, stores what comes out and reports it."""
import logging
import shutil
import socket
import threading
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, Protocol

from servicex.backends.broker.base import WorkMessage
from servicex.backends.launcher.base import Failure, FileEvent, FileReport, ReportSink
from servicex.backends.launcher.local_runner import AttemptFailed, ProgramRunner, WorkerLimits
from servicex.backends.launcher.local_transform import LocalTransform
from servicex.backends.launcher.local_turns import Stint, Turn, Turns
from servicex.backends.launcher.object_names import object_name
from servicex.errors import ServiceXError, Unavailable
from servicex.transformer.failures import is_disk_full

EventStatus = Literal["start", "finish", "retry", "failure"]

_MAX_INFO = 2048
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0

logger = logging.getLogger(__name__)


class ResultStore(Protocol):
    """Where finished results go."""

    def put(self, bucket: str, key: str, source: Path) -> int:
        """Move the file `source` into the bucket under this key, durably; gives its size in bytes."""


class LocalWorker(threading.Thread):
    """Serves turns until there are no more."""

    def __init__(self, name: str, turns: Turns, runner: ProgramRunner, store: ResultStore, reports: ReportSink,
                 limits: WorkerLimits):
        super().__init__(name=name, daemon=True)
        self.runner = runner
        self._turns = turns
        self._store = store
        self._reports = reports
        self._limits = limits
        self._host = socket.gethostname()

    def run(self) -> None:
        """Serve turns; nothing that goes wrong with one file ends the worker."""
        stint = Stint()
        while (turn := self._turns.next(self.name, stint)) is not None:
            reported = False
            try:
                reported = self._serve(turn)
            except Exception:
                logger.exception("worker %s failed on %s", self.name, turn.message)
            finally:
                self._turns.end(self.name, turn, reported)
        self.runner.drop()

    def _serve(self, turn: Turn) -> bool:
        """Transform the file and report it; whether the report was taken."""
        transform, message = turn.transform, turn.message
        self._tell(transform, message, "start")
        report = self._attempts(transform, message)
        if transform.stopped.is_set():
            return False
        self._tell(transform, message, *_last_event(report))
        return self._deliver(transform, report)

    def _attempts(self, transform: LocalTransform, message: WorkMessage) -> FileReport:
        started = time.monotonic()
        attempt = 1
        while True:
            try:
                report = self._attempt(transform, message, attempt)
                break
            except AttemptFailed as failed:
                report = self._failure(message, attempt, failed.failure)
                if not failed.retryable or attempt >= self._limits.attempts or transform.stopped.is_set():
                    break
                self._tell(transform, message, "retry", _info(failed.failure))
                transform.stopped.wait(self._limits.pause_seconds)
            attempt += 1
        return replace(report, total_time=time.monotonic() - started)

    def _attempt(self, transform: LocalTransform, message: WorkMessage, attempt: int) -> FileReport:
        part = transform.scratch / f"{message.file_id}-{attempt}.part"
        name = object_name(message.paths, message.result_format)
        transform.states[self.name] = "transforming"
        try:
            done = self.runner.run(transform, message.paths, part)
            transform.states[self.name] = "storing"
            size = self._put(transform, name, part)
        finally:
            _remove(part)
        return FileReport(message.request_id, message.file_id, "success", done.path, 0.0, attempt, self._host,
                          total_events=done.total_events, object_name=name, object_size=size)

    def _put(self, transform: LocalTransform, name: str, part: Path) -> int:
        if transform.stopped.is_set():
            raise AttemptFailed(Failure("Stopped", "The transform was stopped."), retryable=False)
        # The program could have left a link to somebody else's file.
        if part.is_symlink() or not part.is_file():
            raise AttemptFailed(Failure("NoOutput", "The program wrote no regular output file."), retryable=False)
        try:
            return self._store.put(transform.job.request_id, name, part)
        except (OSError, ServiceXError) as error:
            logger.warning("cannot store %s of %s: %s", name, transform.job.request_id, error)
            raise AttemptFailed(_storing_failure(error), retryable=True) from error

    def _failure(self, message: WorkMessage, attempt: int, failure: Failure) -> FileReport:
        return FileReport(message.request_id, message.file_id, "failure", message.paths[0], 0.0, attempt, self._host,
                          failure=failure)

    def _tell(self, transform: LocalTransform, message: WorkMessage, status: EventStatus, info: str = "") -> None:
        if not transform.stopped.is_set():
            now = datetime.now(timezone.utc)
            self._reports.event(FileEvent(message.request_id, message.file_id, status, now, self._host, info))

    def _deliver(self, transform: LocalTransform, report: FileReport) -> bool:
        """Have the report stored, trying for a while if the database is away; whether it was."""
        deadline = time.monotonic() + self._limits.report_seconds
        pause = _FIRST_PAUSE
        while not transform.stopped.is_set():
            try:
                self._reports.report(report)
                return True
            except Unavailable as error:
                if time.monotonic() >= deadline:
                    logger.error("gave up reporting file %d of %s: %s", report.file_id, report.request_id, error)
                    return False
            transform.stopped.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return False


def _last_event(report: FileReport) -> tuple[EventStatus, str]:
    return ("failure", _info(report.failure)) if report.failure else ("finish", report.object_name or "")


def _info(failure: Failure) -> str:
    """What a row of `file_status` says of a failure."""
    return f"{failure.error_class}: {failure.message}\n{failure.trace}".strip()[:_MAX_INFO]


def _storing_failure(error: Exception) -> Failure:
    if is_disk_full(error):
        return Failure("DiskFull", "No space is left on the disk that holds the results.")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Failure("ResultNotStored", f"The result could not be stored: {reason}.")


def _remove(part: Path) -> None:
    """Remove what is left of an output, were it a folder that the program made."""
    try:
        part.unlink(missing_ok=True)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
