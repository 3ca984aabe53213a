"""What there is to see of one transform beyond its record: how it went on, where its files are, and why some failed."""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from servicex.models import Dataset, DatasetFile, GeneratedProgram, TransformRequest, TransformResult, User
from servicex.models import insight
from servicex.models.base import now
from servicex.models.insight import FAILURES_READ, FileRow, LogRow, SeenFile
from servicex.services.caller import Caller
from servicex.services.causes import CauseGroup, Failed, grouped
from servicex.services.transactions import Transactions
from servicex.services.transforms import unpack, visible

# How fast a transform is now is seen by so many of its newest results.
NEWEST = 200
GROUPS_SHOWN = 50
ROWS_PAGE = 100
LOGS_PAGE = 20
# What a link of old, by the number of a page, reads past at most; keys lead further.
PAGES_BY_NUMBER = 100
# Before this id are all files.
LAST = 2 ** 31 - 1


@dataclass(frozen=True)
class Example:
    """One file that failed: its replicas, where and after how many attempts, what was said, and the last log lines."""

    file_id: int
    paths: tuple[str, ...]
    host: str
    attempts: int
    message: str
    trace: str
    log: str


@dataclass(frozen=True)
class FailureGroup:
    """The files that failed for one cause, with one of them as an example."""

    group: CauseGroup
    example: Example


@dataclass(frozen=True)
class Failures:
    """Why files of a transform failed, by cause. Of the `failed` files the first `read` were looked at."""

    groups: Sequence[FailureGroup]
    failed: int
    read: int
    causes: int

    @property
    def whole(self) -> bool:
        """Whether every failure is in one of the groups."""
        return self.read >= self.failed and self.causes == len(self.groups)


@dataclass(frozen=True)
class Insight:
    """All that the page of a transform shows of the database.

    `seen` are results, `hosts` says how often a host has a replica, of `files_asked` files; both of a sample where
    there are many. `rate` is in files a second: the present one while the transform runs, then that of the whole.
    """

    transform: TransformRequest
    owner: str
    dataset: Dataset | None
    seen: Sequence[SeenFile]
    hosts: Mapping[str, int]
    files_asked: int
    failures: Failures
    first_start: datetime | None
    first_result: datetime | None
    rate: float | None


@dataclass(frozen=True)
class Place:
    """Which page of a list is wanted: the rows after a file id, or before one, or the page of that number."""

    after: int | None = None
    before: int | None = None
    page: int = 1


@dataclass(frozen=True)
class FilePage:
    """A page of the files of a transform, and whether there are others before and after it."""

    transform: TransformRequest
    rows: Sequence[FileRow] = field(default_factory=tuple)
    earlier: bool = False
    later: bool = False


class InsightService:
    """Use cases of who looks at one transform. All methods raise NotFound for one that the caller may not see."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def of(self, caller: Caller, request_id: str) -> Insight:
        """All for its page, by a number of statements that does not hang on how many files there are."""
        with self._transactions.read() as session:
            transform = visible(session, caller, request_id)
            dataset = session.get(Dataset, transform.did_id)
            owner = session.get(User, transform.submitted_by) if transform.submitted_by else None
            paths = insight.paths(session, transform.did_id, transform.files)
            name = transform.request_id
            start, result = insight.first_start(session, name), insight.first_result(session, name)
            return Insight(transform, owner.name if owner else "", dataset, insight.results(session, transform),
                           hosts(paths), len(paths), _failures(session, transform), start, result,
                           _rate(session, transform, start or result))

    def failures(self, caller: Caller, request_id: str) -> Failures:
        """Why its files failed."""
        with self._transactions.read() as session:
            return _failures(session, visible(session, caller, request_id))

    def seen(self, caller: Caller, request_id: str) -> tuple[TransformRequest, Sequence[SeenFile]]:
        """Its results, or a sample of them."""
        with self._transactions.read() as session:
            transform = visible(session, caller, request_id)
            return transform, insight.results(session, transform)

    def program(self, caller: Caller, request_id: str) -> tuple[TransformRequest, Mapping[str, bytes]]:
        """The files of the program that was generated for it; none if they are not kept."""
        with self._transactions.read() as session:
            transform = visible(session, caller, request_id)
            program = session.get(GeneratedProgram, transform.id)
            return transform, unpack(program.archive) if program else {}

    def files(self, caller: Caller, request_id: str, status: str | None, place: Place) -> FilePage:
        """A page of its files by id: those with a result of that status, or all, also those without a result."""
        with self._transactions.read() as session:
            transform = visible(session, caller, request_id)
            skipped = min(place.page - 1, PAGES_BY_NUMBER) * ROWS_PAGE
            rows = insight.files(session, transform, status, place.after, place.before, skipped, ROWS_PAGE + 1)
        more = len(rows) > ROWS_PAGE
        if place.before is not None:
            return FilePage(transform, rows[-ROWS_PAGE:], more, place.before < LAST)
        return FilePage(transform, rows[:ROWS_PAGE], bool(place.after or skipped), more)

    def logs(self, caller: Caller, request_id: str, after: int) -> tuple[TransformRequest, Sequence[LogRow], bool]:
        """The last lines that were printed for files that failed, a page of them, and whether there are more."""
        with self._transactions.read() as session:
            transform = visible(session, caller, request_id)
            rows = insight.logs(session, transform.request_id, after, LOGS_PAGE + 1)
        return transform, rows[:LOGS_PAGE], len(rows) > LOGS_PAGE


def _failures(session: Session, transform: TransformRequest) -> Failures:
    if not transform.files_failed:
        return Failures((), 0, 0, 0)
    read = [Failed(*row) for row in insight.failure_messages(session, transform.request_id)]
    groups = grouped(read)
    shown = groups[:GROUPS_SHOWN]
    examples = insight.failures_of(session, transform.request_id, [group.file_id for group in shown])
    return Failures([FailureGroup(group, _example(*examples[group.file_id])) for group in shown],
                    transform.files_failed, min(sum(failed.count for failed in read), FAILURES_READ), len(groups))


def _example(result: TransformResult, file: DatasetFile, told: str | None) -> Example:
    return Example(result.file_id, file.paths, result.host or "", result.attempts, result.error_message or "",
                   (told or "").partition("\n")[2], result.log or "")


def _rate(session: Session, transform: TransformRequest, begun: datetime | None) -> float | None:
    """Files a second."""
    count, since, until = transform.files_reported, begun, transform.last_result_at
    if not transform.status.terminal:
        until = now()
        if count > NEWEST:
            count, since = NEWEST, insight.newest_result_but(session, transform.request_id, NEWEST)
    seconds = (until - since).total_seconds() if since and until else 0.0
    return count / seconds if count and seconds > 0 else None


def hosts(files: Sequence[tuple[str, ...]]) -> Mapping[str, int]:
    """How many of the files have a replica on each host, the commonest first; those without one are `local files`."""
    counts = Counter(host for paths in files for host in {_host(path) for path in paths})
    return dict(counts.most_common())


def _host(path: str) -> str:
    try:
        return urlsplit(path).hostname or "local files"
    except ValueError:
        return "local files"
