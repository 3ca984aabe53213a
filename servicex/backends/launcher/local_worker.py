"""One local worker: a thread that takes turns, has files transformed, stores what comes out and reports it."""
import logging
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from servicex.backends.launcher.base import Failure, FileEvent, FileReport, ReportSink
from servicex.backends.launcher.local_delivery import Deliveries
from servicex.backends.launcher.local_runner import AttemptFailed, ProgramRunner, WorkerLimits
from servicex.backends.launcher.local_transform import STORING, LocalTransform
from servicex.backends.launcher.local_turns import Turn, Turns
from servicex.backends.launcher.object_names import object_name
from servicex.errors import ServiceXError
from servicex.transformer.failures import is_disk_full
from servicex.transformer.web_file import fetched_file

EventStatus = Literal["start", "finish", "retry", "failure"]

logger = logging.getLogger(__name__)


class LocalWorker(threading.Thread):
    """Serves turns until there are no more.

    Two of them share a runner: while one stores a result and reports it, which is mostly waiting for the disk, the
    other one has the child.
    """

    def __init__(self, name: str, turns: Turns, runner: ProgramRunner, reports: ReportSink,
                 deliveries: Deliveries, limits: WorkerLimits, host: str):
        super().__init__(name=name, daemon=True)
        self._turns = turns
        self._runner = runner
        self._reports = reports
        self._deliveries = deliveries
        self._limits = limits
        self._host = host

    def run(self) -> None:
        """Serve turns; nothing that goes wrong with one file ends the worker."""
        while self._serve_next():
            pass

    def _serve_next(self) -> bool:
        with ExitStack() as child:
            # A file taken before the child is free would wait here while other workers could have it.
            child.enter_context(self._runner.in_use)
            turn = self._turns.next(self.name, self._runner.stint)
            if turn is None:
                self._runner.drop()
                return False
            try:
                self._serve(turn, child.close)
            except Exception:
                # The file is not accounted for: the controller will publish it again.
                logger.exception("worker %s failed on %s", self.name, turn.message)
                self._turns.leave(self.name, turn)
                self._turns.account(turn, reported=False)
        return True

    def _serve(self, turn: Turn, leave_child: Callable[[], None]) -> None:
        """Make one attempt at a file, calling `leave_child` when the child is free for another one."""
        self._tell(turn, "start")
        try:
            report = self._success(turn, leave_child)
        except AttemptFailed as failed:
            leave_child()
            if self._goes_on(turn, failed):
                self._tell(turn, "retry", failed.failure.summary())
                self._turns.again(self.name, turn, self._limits.pause_seconds)
                return
            report = self._report(turn, "failure", turn.work.paths[0], failure=failed.failure)
        self._tell(turn, *_last_event(report))
        self._turns.leave(self.name, turn)
        self._deliveries.add(turn, report)

    def _success(self, turn: Turn, leave_child: Callable[[], None]) -> FileReport:
        """Transform the file and store the result. Raises `AttemptFailed`."""
        if turn.attempt > self._limits.attempts:
            raise AttemptFailed(_killer(turn), retryable=False)
        part = turn.transform.scratch / f"{turn.message.file_id}-{turn.attempt}.part"
        name = object_name(turn.message.paths, turn.message.result_format)
        try:
            done = self._runner.run(turn.transform, turn.work.reads, part, turn.fetched)
            self._turns.set_state(self.name, turn, STORING)
            leave_child()
            size = self._put(turn.transform, name, part)
        finally:
            # A child that was killed leaves both.
            _remove(part)
            _remove(fetched_file(part))
        path = turn.work.paths[turn.work.reads.index(done.path)]
        return self._report(turn, "success", path, total_events=done.total_events, object_name=name,
                            object_size=size)

    def _goes_on(self, turn: Turn, failed: AttemptFailed) -> bool:
        """Whether another attempt is to follow the failed one."""
        return failed.retryable and turn.attempt < self._limits.attempts

    def _put(self, transform: LocalTransform, name: str, part: Path) -> int:
        if transform.stopped.is_set():
            raise AttemptFailed(Failure("Stopped", "The transform was stopped."), retryable=False)
        # The program could have left a link to somebody else's file.
        if part.is_symlink() or not part.is_file():
            raise AttemptFailed(Failure("NoOutput", "The program wrote no regular output file."), retryable=False)
        try:
            return transform.store.put(transform.job.request_id, name, part)
        except (OSError, ServiceXError) as error:
            logger.warning("cannot store %s of %s: %s", name, transform.job.request_id, error)
            raise AttemptFailed(_storing_failure(error), retryable=True) from error

    def _report(self, turn: Turn, status: Literal["success", "failure"], path: str, **rest: Any) -> FileReport:
        return FileReport(turn.message.request_id, turn.message.file_id, status, path, time.monotonic() - turn.started,
                          min(turn.attempt, self._limits.attempts), self._host, **rest)

    def _tell(self, turn: Turn, status: EventStatus, info: str = "") -> None:
        if not turn.transform.stopped.is_set():
            request_id, file_id = turn.message.request_id, turn.message.file_id
            now = datetime.now(timezone.utc)
            self._reports.event(FileEvent(request_id, file_id, status, now, self._host, info))


def _last_event(report: FileReport) -> tuple[EventStatus, str]:
    return ("failure", report.failure.summary()) if report.failure else ("finish", report.object_name or "")


def _killer(turn: Turn) -> Failure:
    """Why a file is given up that no worker here has tried."""
    return Failure("WorkerKilled", f"{turn.work.attempts} workers ended while they had this file in hand.")


def _storing_failure(error: Exception) -> Failure:
    if is_disk_full(error):
        return Failure("DiskFull", "No space is left on the disk that holds the results.")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Failure("ResultNotStored", f"The result could not be stored: {reason}.")


def _remove(part: Path) -> None:
    """Remove what is left of an attempt's file, were it a folder that the program made."""
    try:
        part.unlink(missing_ok=True)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
