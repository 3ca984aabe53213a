"""What is read to show one transform: few rows of many, found by their keys, however many there are."""
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, literal_column, null, select
from sqlalchemy.orm import Session

from servicex.models.dataset import DatasetFile
from servicex.models.result import FAILURE, SUCCESS, FileStatus, TransformResult
from servicex.models.transform import TransformRequest

# So many results are looked at for plots, and so many files for their hosts;
# see doc/decisions/plots-of-many-results.md.
SAMPLE = 400
HOSTS_SAMPLE = 100
# Of failures so many are looked at, and as many characters of each message.
FAILURES_READ = 5000
MESSAGE_READ = 1000
# Among the events of so many files, the first by id, is the first of all: they are given out in that order.
FIRST_FILES = 20
FILE = "<file>"
# Written out, not bound: the index on failures is taken only for a statement that has its condition.
FAILED = TransformResult.transform_status == literal_column(f"'{FAILURE}'")


@dataclass(frozen=True)
class SeenFile:
    """A file with a result: when it was stored, the seconds it took, and its events."""

    at: datetime
    seconds: float
    events: int
    success: bool


def _spread(key: ColumnElement[int], among: Sequence[ColumnElement[bool]], ends: tuple[int, int],
            size: int) -> Select[tuple[int]]:
    """At most `size` values of an indexed key, evenly between its ends: for each of as many places the next one."""
    low, high = ends
    step = max(1, -(-(high - low + 1) // size))
    places = select(literal(low, Integer).label("place")).cte("places", recursive=True)
    places = places.union_all(select(places.c.place + step).where(places.c.place + step <= high))
    found = select(func.min(key)).where(*among, key >= places.c.place).correlate(places).scalar_subquery()
    return select(found.label("key")).select_from(places).distinct()


def _ends(session: Session, key: ColumnElement[int], among: Sequence[ColumnElement[bool]]) -> tuple[int, int] | None:
    """The lowest and the highest key, each by a look at the index."""
    low, high = (select(end(key)).where(*among).scalar_subquery() for end in (func.min, func.max))
    row = session.execute(select(low, high)).one()
    return None if row[0] is None else (row[0], row[1])


def results(session: Session, transform: TransformRequest) -> Sequence[SeenFile]:
    """All results of a transform if they are few, else SAMPLE of them, evenly by file; in no order."""
    mine = [TransformResult.request_id == transform.request_id]
    query = select(TransformResult.created_at, TransformResult.transform_time, TransformResult.total_events,
                   TransformResult.transform_status).where(*mine)
    if transform.files_reported > SAMPLE:
        ends = _ends(session, TransformResult.file_id.expression, mine)
        if ends is None:
            return ()
        keys = _spread(TransformResult.file_id.expression, mine, ends, SAMPLE).cte("keys")
        query = query.join(keys, TransformResult.file_id == keys.c.key)
    return [SeenFile(row[0], row[1] or 0.0, row[2] or 0, row[3] == SUCCESS)
            for row in session.execute(query.limit(SAMPLE))]


def paths(session: Session, dataset_id: int, n_files: int) -> Sequence[tuple[str, ...]]:
    """The replicas of all files of a dataset if they are few, else of HOSTS_SAMPLE of them."""
    mine = [DatasetFile.dataset_id == dataset_id]
    query = select(DatasetFile.paths).where(*mine)
    if n_files > HOSTS_SAMPLE:
        ends = _ends(session, DatasetFile.id.expression, mine)
        if ends is None:
            return ()
        keys = _spread(DatasetFile.id.expression, mine, ends, HOSTS_SAMPLE).cte("keys")
        query = query.join(keys, DatasetFile.id == keys.c.key)
    return session.scalars(query.limit(HOSTS_SAMPLE)).all()


def first_start(session: Session, request_id: str) -> datetime | None:
    """When work on the first file began; None if that is not told."""
    first = select(FileStatus.timestamp).where(FileStatus.request_id == request_id).order_by(
        FileStatus.file_id).limit(FIRST_FILES).subquery()
    return session.scalar(select(func.min(first.c.timestamp)))


def first_result(session: Session, request_id: str) -> datetime | None:
    """When the first of the results that there are was stored."""
    return session.scalar(select(func.min(TransformResult.created_at)).where(TransformResult.request_id == request_id))


def newest_result_but(session: Session, request_id: str, others: int) -> datetime | None:
    """When the result was stored that so many others came after."""
    return session.scalar(select(TransformResult.created_at).where(TransformResult.request_id == request_id).order_by(
        TransformResult.created_at.desc()).offset(others).limit(1))


def failure_messages(session: Session, request_id: str) -> Sequence[tuple[str, str, int, int]]:
    """Error class and message, how many files failed so, and the first of them: of the first FAILURES_READ failures.

    The file's own path is blanked in the messages, so that there are few.
    """
    failed = select(
        TransformResult.error_class, TransformResult.file_id,
        func.replace(func.substr(TransformResult.error_message, 1, MESSAGE_READ), TransformResult.file_path,
                     FILE).label("message")
    ).where(TransformResult.request_id == request_id, FAILED).order_by(TransformResult.file_id).limit(
        FAILURES_READ).subquery()
    rows = session.execute(select(failed.c.error_class, failed.c.message, func.count(), func.min(failed.c.file_id))
                           .group_by(failed.c.error_class, failed.c.message))
    return [(row[0] or "", row[1] or "", row[2], row[3]) for row in rows]


Failure = tuple[TransformResult, DatasetFile, str | None]


def failures_of(session: Session, request_id: str, file_ids: Collection[int]) -> dict[int, Failure]:
    """These failures by file id, each with its file, and what its worker told of its last failure."""
    last = select(func.max(FileStatus.id)).where(
        FileStatus.request_id == TransformResult.request_id, FileStatus.file_id == TransformResult.file_id,
        FileStatus.status == FAILURE).correlate(TransformResult).scalar_subquery()
    query = select(TransformResult, DatasetFile, FileStatus.info).join(
        DatasetFile, DatasetFile.id == TransformResult.file_id).outerjoin(FileStatus, FileStatus.id == last).where(
        TransformResult.request_id == request_id, TransformResult.file_id.in_(file_ids))
    return {row[0].file_id: (row[0], row[1], row[2]) for row in session.execute(query)}


@dataclass(frozen=True)
class FileRow:
    """One file of a transform as a table shows it; without a result `status` is empty.

    It took `seconds`, `size` is in bytes, and `rate` in events a second.
    """

    file_id: int
    path: str
    status: str
    host: str
    attempts: int
    seconds: float | None
    events: int | None
    size: int | None
    rate: float | None


@dataclass(frozen=True)
class LogRow:
    """The last lines that were printed for a file that failed, and why it did."""

    file_id: int
    path: str
    host: str
    error: str
    log: str


RESULT_COLUMNS = (TransformResult.file_path, TransformResult.transform_status, TransformResult.host,
                  TransformResult.attempts, TransformResult.transform_time, TransformResult.total_events,
                  TransformResult.object_size, TransformResult.avg_rate)


def files(session: Session, transform: TransformRequest, status: str | None, after: int | None, before: int | None,
          skipped: int, limit: int) -> Sequence[FileRow]:
    """Files of a transform by id: beyond `after`, else up to `before`, else without the first `skipped` ones.

    With a status those whose result has it; without all of the dataset, also those that have no result.
    """
    if status is not None and status not in (SUCCESS, FAILURE):
        return ()
    of_file = and_(TransformResult.file_id == DatasetFile.id, TransformResult.request_id == transform.request_id)
    if status is None:
        key = DatasetFile.id
        query: Any = select(key, DatasetFile.paths, *RESULT_COLUMNS).outerjoin(TransformResult, of_file).where(
            DatasetFile.dataset_id == transform.did_id)
    else:
        key = TransformResult.file_id
        query = select(key, null(), *RESULT_COLUMNS).where(
            TransformResult.request_id == transform.request_id,
            FAILED if status == FAILURE else TransformResult.transform_status == status)
    if before is not None:
        rows = list(session.execute(query.where(key < before).order_by(key.desc()).limit(limit)))[::-1]
    else:
        rows = list(session.execute(query.where(key > (after or 0)).order_by(key).offset(
            0 if after else skipped).limit(limit)))
    return [_file_row(tuple(row)) for row in rows]


def _file_row(row: Sequence[Any]) -> FileRow:
    file_id, paths, path, status, host, attempts, seconds, events, size, rate = row
    return FileRow(file_id, path or (paths[0] if paths else ""), status or "", host or "", attempts or 0, seconds,
                   events, size, rate)


def logs(session: Session, request_id: str, after: int, limit: int) -> Sequence[LogRow]:
    """The last lines for files that failed, by id beyond `after`."""
    rows = session.execute(select(
        TransformResult.file_id, TransformResult.file_path, TransformResult.host, TransformResult.error_class,
        TransformResult.error_message, TransformResult.log
    ).where(TransformResult.request_id == request_id, FAILED, TransformResult.file_id > after).order_by(
        TransformResult.file_id).limit(limit))
    return [LogRow(row[0], row[1], row[2] or "", ": ".join(filter(None, row[3:5])), row[5] or "") for row in rows]
