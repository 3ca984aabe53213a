"""The accounting: every file of a transform is counted once, and reports are committed in groups."""
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from servicex.backends.launcher.base import Failure, FileEvent, FileReport
from servicex.errors import NotFound, Unavailable
from servicex.models import Dataset, DatasetFile, FileStatus, LookupStatus, TransformRequest, TransformResult
from servicex.models import result as results
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.models.result import SUCCESS
from servicex.services.endings import end_if_done
from servicex.services.transactions import Transactions

log = logging.getLogger(__name__)
TRACE_KEPT = 2048
GROUP_LIMIT = 500
EVENTS_LIMIT = 10_000
TICK = timedelta(microseconds=1)


class _Waiting:
    """A report on its way into the database, with the event that goes with it, and what came of it.

    `news` says that it was stored, `wanted` that its object is the result of its file.
    """

    def __init__(self, report: FileReport, event: FileEvent | None = None):
        self.report = report
        self.event = event
        self.done = False
        self.news = False
        self.wanted = False
        self.error: Exception | None = None


class ResultService:
    """Takes the reports on files. It is the `ReportSink` of launchers, and serves the callbacks of remote ones.

    Callers that come while a commit is under way form the next group: whoever is first when it is over commits for all
    that wait. So one transaction and one disk sync serve many files under load, and nobody waits without load.
    """

    def __init__(self, transactions: Transactions, wake: Callable[[], None]):
        self._transactions = transactions
        self._wake = wake
        self._changed = threading.Condition()
        self._committing = False
        self._waiting: list[_Waiting] = []
        self._events: list[FileEvent] = []

    def event(self, event: FileEvent) -> None:
        """Remember what happened to a file; it is stored with the next group, at the latest by `flush`."""
        with self._changed:
            if len(self._events) < EVENTS_LIMIT:
                self._events.append(event)

    def report(self, report: FileReport, event: FileEvent | None = None) -> bool:
        """Store the report, and the event if the report is news; returns when it is committed.

        Raises NotFound for a transform or a file that was never given out. A repeated, late or contradicting report is
        no error, and changes nothing it should not. False says that the object it names is not the result of its file.
        """
        (waiting,) = self._stored([_Waiting(report, event)])
        if waiting.error:
            raise waiting.error
        return waiting.wanted

    def report_all(self, reports: Sequence[FileReport]) -> list[bool]:
        """Store the reports; for each whether it was stored, or refused for good. Raises Unavailable."""
        errors = [waiting.error for waiting in self._stored([_Waiting(report) for report in reports])]
        for report, error in zip(reports, errors, strict=True):
            if isinstance(error, Unavailable):
                raise error
            if error:
                log.warning("report on file %s of %s not stored: %s", report.file_id, report.request_id, error)
        return [error is None or isinstance(error, NotFound) for error in errors]

    def _stored(self, mine: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Commit reports, in a group with those of others; what is wrong with each stands on it."""
        with self._changed:
            self._waiting += mine
        while self._turn_comes(lambda: all(waiting.done for waiting in mine)):
            self._commit_group()
        return mine

    def flush(self) -> None:
        """Store the events that no report took along."""
        if self._turn_comes(lambda: not self._events):
            self._commit_group()

    def _turn_comes(self, done: Callable[[], bool]) -> bool:
        """Wait until that is done, which gives False, or until nobody commits: then it is the caller's turn to.

        Those who are done go at once. Behind a lock they would stand in one line with those who come anew, and each of
        these would find hardly anybody to commit for.
        """
        with self._changed:
            self._changed.wait_for(lambda: done() or not self._committing)
            if done():
                return False
            self._committing = True
            return True

    def _commit_group(self) -> None:
        try:
            self._commit_gathered()
        finally:
            with self._changed:
                self._committing = False
                self._changed.notify_all()

    def _commit_gathered(self) -> None:
        with self._changed:
            group, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
            events, self._events = self._events, []
        try:
            self._store(group, events)
        except Unavailable as error:
            for waiting in group:
                waiting.error = error
        except Exception as error:
            log.warning("a group of %d reports and %d events was not stored: %s", len(group), len(events), error)
            self._one_by_one(group)
        for waiting in group:
            waiting.done = True

    def _one_by_one(self, group: Sequence[_Waiting]) -> None:
        """Store the reports of a failed group singly, so that a bad one harms only itself; its events are given up."""
        for waiting in group:
            try:
                self._store([waiting], [])
            except IntegrityError:
                self._store_as_failure(waiting)
            except Exception as error:
                waiting.error = error

    def _store_as_failure(self, waiting: _Waiting) -> None:
        """Store a report whose object is the result of another file: a client would wait for one more for ever."""
        name = waiting.report.object_name
        why = Failure("ObjectNameTaken", f"The result of another file has the same name, {name}: do two files of the "
                                         "dataset share a replica?")
        waiting.report = replace(waiting.report, status="failure", object_name=None, object_size=None, failure=why)
        try:
            self._store([waiting], [])
        except Exception as error:
            waiting.error = error

    def _store(self, group: Sequence[_Waiting], events: Sequence[FileEvent]) -> None:
        """Store reports and events in one transaction."""
        by_transform: dict[str, list[_Waiting]] = defaultdict(list)
        for waiting in group:
            by_transform[waiting.report.request_id].append(waiting)
        ended = False
        with self._transactions.write() as session:
            # Rows are locked by the reports first: an event's foreign key would take a weaker lock, and two who have
            # that wait for each other.
            locked = transforms.lock_all(session, by_transform)
            for request_id, reports in by_transform.items():
                ended |= _store_reports(session, locked.get(request_id), reports)
            _store_events(session, [*events, *(w.event for w in group if w.event and w.news)])
        if ended:
            self._wake()


def _store_events(session: Session, events: Sequence[FileEvent]) -> None:
    if not events:
        return
    known = set(session.scalars(select(TransformRequest.request_id).where(
        TransformRequest.request_id.in_({e.request_id for e in events}))))
    rows = [{"file_id": e.file_id, "request_id": e.request_id, "status": e.status, "timestamp": e.at,
             "pod_name": e.host[:128], "info": e.info[:TRACE_KEPT] or None} for e in events if e.request_id in known]
    if rows:
        session.execute(insert(FileStatus), rows)


def _store_reports(session: Session, transform: TransformRequest | None, group: Sequence[_Waiting]) -> bool:
    """Store the reports on one transform, its row locked; True if it ended by them."""
    if transform is None:
        return _refuse(group, f"Transformation request not found with id: {group[0].report.request_id}")
    file_ids = {w.report.file_id for w in group}
    known = set(session.scalars(select(DatasetFile.id).where(
        DatasetFile.id.in_(file_ids), DatasetFile.dataset_id == transform.did_id)))
    _refuse([w for w in group if w.report.file_id not in known], "The transform has no such file")
    stored = results.of_files(session, transform.request_id, known)
    news = [] if transform.status.terminal else _news([w.report for w in group if w.report.file_id in known], stored)
    _tell(group, news, stored)
    if not news:
        return False
    rows = [_row(transform, report) for report in news]
    for row, report in zip(rows, news, strict=True):
        _count(transform, report, stored.get(report.file_id))
        row["created_at"] = transform.last_result_at
    results.put(session, transform.request_id, rows, replacing=stored)
    session.flush()
    complete = transform.files_reported >= transform.files and session.scalar(select(Dataset.lookup_status).where(
        Dataset.id == transform.did_id)) == LookupStatus.COMPLETE
    return complete and end_if_done(session, transform)


def _refuse(group: Sequence[_Waiting], message: str) -> bool:
    for waiting in group:
        waiting.error = NotFound(message)
    return False


def _news(reports: Sequence[FileReport], stored: Mapping[int, TransformResult]) -> list[FileReport]:
    """The reports that tell something new: the first on a file, or a success where there was a failure."""
    statuses = {file_id: row.transform_status for file_id, row in stored.items()}
    news: dict[int, FileReport] = {}
    for report in reports:
        status = statuses.get(report.file_id)
        if status is None or (status != SUCCESS and report.status == SUCCESS):
            statuses[report.file_id] = report.status
            news[report.file_id] = report
    return list(news.values())


def _tell(group: Sequence[_Waiting], news: Sequence[FileReport], stored: Mapping[int, TransformResult]) -> None:
    """Note on each report what becomes of it."""
    names = {file_id: row.s3_object_name for file_id, row in stored.items()}
    names.update({report.file_id: report.object_name for report in news})
    fresh = {id(report) for report in news}
    for waiting in group:
        waiting.news = id(waiting.report) in fresh
        waiting.wanted = names.get(waiting.report.file_id) == waiting.report.object_name


def _row(transform: TransformRequest, report: FileReport) -> dict[str, Any]:
    """A row of `transform_result`, but for the time."""
    failure = report.failure
    return {
        "did": transform.did, "request_id": transform.request_id, "file_id": report.file_id, "file_path": report.path,
        "transform_status": report.status, "transform_time": report.total_time, "total_events": report.total_events,
        "total_bytes": report.object_size or 0, "s3_object_name": report.object_name,
        "avg_rate": report.total_events / report.total_time if report.total_time else 0.0,
        "object_size": report.object_size, "attempts": report.attempts, "host": report.host[:128],
        "error_class": failure.error_class[:128] if failure else None,
        "error_message": failure.message if failure else None, "log": failure.log if failure else None}


def _count(transform: TransformRequest, report: FileReport, replaced: TransformResult | None) -> None:
    """Add a result to the sums of its transform; a failure that it takes the place of is taken out."""
    if replaced is not None:
        transform.files_failed -= 1
        transform.total_time -= replaced.transform_time or 0.0
        transform.total_events -= replaced.total_events or 0
        transform.total_bytes -= replaced.object_size or 0
    transform.last_result_at = max(now(), (transform.last_result_at or now()) + TICK)
    _add_to_totals(transform, report)


def _add_to_totals(transform: TransformRequest, report: FileReport) -> None:
    if report.status == SUCCESS:
        transform.files_completed += 1
    else:
        transform.files_failed += 1
    transform.total_events += report.total_events
    transform.total_bytes += report.object_size or 0
    transform.total_time += report.total_time
    fastest = report.total_time if transform.min_time is None else transform.min_time
    transform.min_time = min(report.total_time, fastest)
    transform.max_time = max(report.total_time, transform.max_time or 0.0)
