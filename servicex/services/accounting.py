"""The accounting: what a group of reports changes in the database. Every file of a transform is counted once."""
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from servicex.backends.launcher.base import FileEvent, FileReport
from servicex.errors import NotFound
from servicex.models import Dataset, LookupStatus, TransformRequest, TransformResult
from servicex.models import result as results
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.models.result import SUCCESS
from servicex.services.endings import end_if_done

TRACE_KEPT = 2048
TICK = timedelta(microseconds=1)
# The result there is already on each file that the group is about, None if there is none. Unknown files are not in it.
Stored = Mapping[tuple[str, int], TransformResult | None]


class Waiting:
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


def store(session: Session, group: Sequence[Waiting], events: Sequence[FileEvent]) -> bool:
    """Store reports, the events that go with them, and other events; True if a transform ended by them.

    The number of statements hangs on how many transforms end, not on how many reports there are, nor of how many
    transforms.
    """
    by_transform: dict[str, list[Waiting]] = defaultdict(list)
    for waiting in group:
        by_transform[waiting.report.request_id].append(waiting)
    # Rows are locked by the reports first: an event's foreign key would take a weaker lock, and two who have that wait
    # for each other.
    locked = transforms.lock_all(session, by_transform) if group else {}
    stored = results.on_files(session, locked, {w.report.file_id for w in group}) if locked else {}
    rows = [row for request_id, reports in by_transform.items()
            for row in _count_all(locked.get(request_id), reports, stored)]
    results.put(session, rows, replacing=stored)
    results.put_events(session, [_event_row(e) for e in (*_of_known_transforms(session, events), *_news_of(group))])
    session.flush()
    return any([_end_if_done(session, transform) for transform in _touched(locked, rows)])


def _touched(locked: Mapping[str, TransformRequest], rows: Collection[dict[str, Any]]) -> Sequence[TransformRequest]:
    """The transforms that results were added to."""
    return [locked[request_id] for request_id in dict.fromkeys(row["request_id"] for row in rows)]


def _end_if_done(session: Session, transform: TransformRequest) -> bool:
    complete = transform.files_reported >= transform.files and session.scalar(select(Dataset.lookup_status).where(
        Dataset.id == transform.did_id)) == LookupStatus.COMPLETE
    return complete and end_if_done(session, transform)


def _of_known_transforms(session: Session, events: Sequence[FileEvent]) -> Sequence[FileEvent]:
    if not events:
        return ()
    known = set(session.scalars(select(TransformRequest.request_id).where(
        TransformRequest.request_id.in_({e.request_id for e in events}))))
    return [e for e in events if e.request_id in known]


def _news_of(group: Sequence[Waiting]) -> Sequence[FileEvent]:
    return [waiting.event for waiting in group if waiting.event and waiting.news]


def _event_row(event: FileEvent) -> dict[str, Any]:
    """A row of `file_status`."""
    return {"file_id": event.file_id, "request_id": event.request_id, "status": event.status, "timestamp": event.at,
            "pod_name": event.host[:128], "info": event.info[:TRACE_KEPT] or None}


def _count_all(transform: TransformRequest | None, group: Sequence[Waiting], stored: Stored) -> list[dict[str, Any]]:
    """Count the reports on one transform, its row locked; gives the rows of results to write."""
    if transform is None:
        _refuse(group, f"Transformation request not found with id: {group[0].report.request_id}")
        return []
    known = [w for w in group if _key(w.report) in stored]
    _refuse([w for w in group if _key(w.report) not in stored], "The transform has no such file")
    news = [] if transform.status.terminal else _news([w.report for w in known], stored)
    _tell(known, news, stored)
    return [_counted(transform, report, stored[_key(report)]) for report in news]


def _key(report: FileReport) -> tuple[str, int]:
    return report.request_id, report.file_id


def _refuse(group: Sequence[Waiting], message: str) -> None:
    for waiting in group:
        waiting.error = NotFound(message)


def _news(reports: Sequence[FileReport], stored: Stored) -> list[FileReport]:
    """The reports that tell something new: the first on a file, or a success where there was a failure."""
    statuses: dict[int, str | None] = {}
    news: dict[int, FileReport] = {}
    for report in reports:
        before = stored[_key(report)]
        status = statuses.get(report.file_id, before.transform_status if before else None)
        if status is None or (status != SUCCESS and report.status == SUCCESS):
            statuses[report.file_id] = report.status
            news[report.file_id] = report
    return list(news.values())


def _tell(group: Sequence[Waiting], news: Sequence[FileReport], stored: Stored) -> None:
    """Note on each report what becomes of it."""
    names = {report.file_id: report.object_name for report in news}
    fresh = {id(report) for report in news}
    for waiting in group:
        report, before = waiting.report, stored[_key(waiting.report)]
        waiting.news = id(report) in fresh
        waiting.wanted = names.get(report.file_id, before.s3_object_name if before else None) == report.object_name


def _counted(transform: TransformRequest, report: FileReport, replaced: TransformResult | None) -> dict[str, Any]:
    """The report, counted, as a row of `transform_result`."""
    _count(transform, report, replaced)
    return _row(transform, report) | {"created_at": transform.last_result_at}


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
