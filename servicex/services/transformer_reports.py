"""What transformers outside this process report: how files and whole transforms went."""
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from servicex.backends.launcher.base import Failure, FileEvent, FileReport
from servicex.errors import NotFound, ServiceXError
from servicex.models import DatasetFile, FileStatus, GeneratedProgram, TransformRequest, TransformStatus
from servicex.models import control as controls
from servicex.models import result as results
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.services.accounting import TRACE_KEPT
from servicex.services.results import ResultService
from servicex.services.sidecar_objects import SidecarOutput, sidecar_output
from servicex.services.submissions import OBJECT_STORE
from servicex.services.transactions import Transactions
from servicex.services.transforms import unpack

log = logging.getLogger(__name__)
OUTPUTS_KEPT = 1000
WHY = Failure("TransformFailed", "The transformer could not make a result of any replica of this file. It does not say "
                                 "why; its log does.")
Discard = Callable[[str, str], None]


@dataclass(frozen=True)
class SidecarReport:
    """What a sidecar or our own worker says of one file: `path` is the replica it read, `total_time` in seconds.

    `object_name` and `object_size` (bytes) are those of the stored result, where they are told, and `failure` is why
    there is none; sidecars of 2024 tell none of them.
    """

    request_id: str
    file_id: int
    success: bool
    path: str
    total_time: float
    total_events: int
    host: str
    object_name: str | None = None
    object_size: int | None = None
    attempts: int = 1
    failure: Failure | None = None

    @property
    def why(self) -> Failure | None:
        """Why there is no result; None if there is one."""
        return None if self.success else self.failure or WHY


class TransformerReports:
    """Takes the reports of transformers. Each method returns after its commit, and raises NotFound for what is unknown.

    `discard` removes an object (bucket, key) and raises a ServiceXError when that fails. How large objects are is asked
    later, of many at a time: a question for each would cost as much as all the rest of a report.
    """

    def __init__(self, transactions: Transactions, file_results: ResultService, wake: Callable[[], None],
                 discard: Discard | None = None):
        self._transactions = transactions
        self._results = file_results
        self._wake = wake
        self._discard = discard
        self._outputs: dict[str, SidecarOutput] = {}

    def file_complete(self, report: SidecarReport) -> None:
        """Count the file. Of two results for one file the later one is removed from the object store."""
        output = self._output(report.request_id)
        name = (report.object_name or output.object_name(report.path)) if report.success else None
        wanted = self._results.report(_file_report(report, name), _event(report))
        if name and output.as_objects and not wanted:
            self._remove_unused(report.request_id, name)

    def fatal(self, request_id: str, reason: str) -> None:
        """End the transform, as its transformers cannot work at all."""
        with self._transactions.write() as session:
            transform = _locked(session, request_id)
            ended = transforms.move(session, transform.id, TransformStatus.FATAL, failure_description=reason)
            if ended:
                controls.hurry(session, transform.id)
        if ended:
            self._wake()

    def said(self, request_id: str, source: str, severity: str, words: str) -> None:
        """Log what a transformer says of the transform as a whole."""
        self._output(request_id)
        log.info("transform %s: %s from %s: %s", request_id, severity, source, words)

    def file_event(self, request_id: str, file_id: int, status: str, at: datetime, host: str, info: str) -> None:
        """Keep what a transformer says of a file on the way; of a transform that has ended nothing is kept."""
        with self._transactions.write() as session:
            transform = _locked(session, request_id)
            file = session.get(DatasetFile, file_id)
            if file is None or file.dataset_id != transform.did_id:
                raise NotFound("The transform has no such file")
            if not transform.status.terminal:
                session.add(FileStatus(request_id=request_id, file_id=file_id, status=status[:128], timestamp=at,
                                       pod_name=host[:128], info=info[:TRACE_KEPT] or None))

    def _output(self, request_id: str) -> SidecarOutput:
        """What sidecars make of the transform's files: the same for all of them, and so remembered."""
        known = self._outputs.get(request_id)
        if known is None:
            if len(self._outputs) >= OUTPUTS_KEPT:
                self._outputs.clear()
            with self._transactions.read() as session:
                known = self._outputs[request_id] = _read_output(session, request_id)
        return known

    def _remove_unused(self, request_id: str, name: str) -> None:
        """Remove an object, unless it is the result of another file of the transform."""
        with self._transactions.read() as session:
            used = results.is_result(session, request_id, name)
        if used or self._discard is None:
            return
        try:
            self._discard(request_id, name)
        except ServiceXError as error:
            log.warning("the superfluous %s stays in %s: %s", name, request_id, error)


def _locked(session: Session, request_id: str) -> TransformRequest:
    transform = transforms.lock_all(session, [request_id]).get(request_id)
    if transform is None:
        raise NotFound(f"Transformation request not found with id: {request_id}")
    return transform


def _read_output(session: Session, request_id: str) -> SidecarOutput:
    transform = transforms.of_request_id(session, request_id)
    if transform is None:
        raise NotFound(f"Transformation request not found with id: {request_id}")
    program = session.get(GeneratedProgram, transform.id)
    return sidecar_output(transform.result_format, transform.result_destination == OBJECT_STORE,
                          unpack(program.archive) if program else {})


def _file_report(report: SidecarReport, name: str | None) -> FileReport:
    return FileReport(
        report.request_id, report.file_id, "success" if report.success else "failure", report.path,
        report.total_time, report.attempts, report.host, report.total_events, object_name=name,
        object_size=report.object_size if report.success else None, failure=report.why)


def _event(report: SidecarReport) -> FileEvent:
    """The row of `file_status` that goes with a report."""
    why = report.why
    if why is None:
        return FileEvent(report.request_id, report.file_id, "finish", now(), report.host, report.object_name or "")
    info = why.summary() if report.failure else why.message
    return FileEvent(report.request_id, report.file_id, "failure", now(), report.host, info)
