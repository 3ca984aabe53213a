"""What administrators look at first: who has what running, what fails, what is stored, who waits, what was not sent.

Each question is one statement, whose rows are bounded.
"""
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from servicex.models import Notice, TransformControl, TransformRequest, TransformStatus, User
from servicex.models.base import now
from servicex.models.transform import ACTIVE
from servicex.services.transactions import Transactions

T = TransformRequest
SHOWN = 10
USERS_SHOWN = 50
FAILED = (TransformStatus.FATAL, TransformStatus.BAD_DATASET)
# A sum over all transforms takes its time; however often the page is looked at, it is made no more often than this.
STORAGE_KEPT_SECONDS = 60.0
# A controller looks at what has files every few seconds.
CONTROLLER_SILENT = timedelta(minutes=1)


@dataclass(frozen=True)
class Share:
    """What one person has under way; `user` is None without accounts."""

    user: str | None
    transforms: int
    files: int
    files_reported: int


@dataclass(frozen=True)
class Running:
    """A transform under way."""

    request_id: str
    title: str | None
    user: str | None
    files: int
    files_reported: int


@dataclass(frozen=True)
class Failed:
    """A transform that failed, and why."""

    id: int
    request_id: str
    title: str | None
    user: str | None
    finish_time: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Stored:
    """The bytes of the results of one person."""

    user: str | None
    bytes: int


@dataclass(frozen=True)
class Unsent:
    """A notice that was not sent; `given_up` if it is not tried again."""

    channel: str
    created_at: datetime
    attempts: int
    given_up: bool
    failure: str | None


@dataclass(frozen=True)
class Controllers:
    """How many controllers are at work, and how many transforms have been left alone for too long."""

    at_work: int
    left_alone: int


@dataclass(frozen=True)
class Overview:
    """All of it, as it is now."""

    shares: Sequence[Share]
    running: Sequence[Running]
    failed: Sequence[Failed]
    stored: Sequence[Stored]
    accounts_waiting: int
    unsent: Sequence[Unsent]
    controllers: Controllers


class OverviewService:
    """Reads what administrators look at. Thread-safe."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions
        self._lock = threading.Lock()
        self._stored: Sequence[Stored] = ()
        self._stored_at = -STORAGE_KEPT_SECONDS

    def read(self) -> Overview:
        """How it is now; what is stored may be a minute old."""
        with self._transactions.read() as session:
            waiting = session.scalar(select(func.count(User.id)).where(User.pending.is_(True))) or 0
            return Overview(_shares(session), _running(session), _failed(session), self._storage(session), waiting,
                            _unsent(session), _controllers(session))

    def _storage(self, session: Session) -> Sequence[Stored]:
        with self._lock:
            if time.monotonic() - self._stored_at > STORAGE_KEPT_SECONDS:
                self._stored = _stored(session)
                self._stored_at = time.monotonic()
            return self._stored


def _active() -> ColumnElement[bool]:
    return T.status.in_(ACTIVE)


def _shares(session: Session) -> Sequence[Share]:
    transforms, reported = func.count(T.id), func.sum(T.files_completed + T.files_failed)
    rows = session.execute(select(User.name, transforms, func.sum(T.files), reported).select_from(T).outerjoin(
        User, User.id == T.submitted_by).where(_active(), T.deleted_at.is_(None)).group_by(User.id, User.name).order_by(
        transforms.desc()).limit(USERS_SHOWN))
    return [Share(name, int(count), int(files), int(done)) for name, count, files, done in rows]


def _running(session: Session) -> Sequence[Running]:
    rows = session.execute(select(T.request_id, T.title, User.name, T.files, T.files_completed + T.files_failed)
                           .outerjoin(User, User.id == T.submitted_by)
                           .where(T.status == TransformStatus.RUNNING, T.deleted_at.is_(None))
                           .order_by(T.id).limit(SHOWN))
    return [Running(*row) for row in rows]


def _failed(session: Session) -> Sequence[Failed]:
    rows = session.execute(select(T.id, T.request_id, T.title, User.name, T.finish_time, T.failure_description)
                           .outerjoin(User, User.id == T.submitted_by)
                           .where(T.status.in_(FAILED), T.deleted_at.is_(None))
                           .order_by(T.id.desc()).limit(SHOWN))
    return [Failed(*row) for row in rows]


def _stored(session: Session) -> Sequence[Stored]:
    stored = func.sum(T.total_bytes)
    rows = session.execute(select(User.name, stored).select_from(T).outerjoin(User, User.id == T.submitted_by).where(
        T.deleted_at.is_(None)).group_by(User.id, User.name).order_by(stored.desc()).limit(USERS_SHOWN))
    return [Stored(name, int(size)) for name, size in rows]


def _unsent(session: Session) -> Sequence[Unsent]:
    rows = session.scalars(select(Notice).where(Notice.sent_at.is_(None), Notice.attempts > 0).order_by(
        Notice.id.desc()).limit(SHOWN))
    return [Unsent(n.channel, n.created_at, n.attempts, n.next_attempt_at is None, n.failure) for n in rows]


def _controllers(session: Session) -> Controllers:
    of_transform = TransformControl.transform_id == T.id
    at_work = session.scalar(select(func.count(TransformControl.lease_owner.distinct())).where(
        ~TransformControl.torn_down, TransformControl.lease_until > now())) or 0
    left_alone = session.scalar(select(func.count(T.id)).join(TransformControl, of_transform).where(
        _active(), T.deleted_at.is_(None), ~TransformControl.torn_down, T.files > 0,
        T.submit_time < now() - CONTROLLER_SILENT,
        func.coalesce(TransformControl.lease_until, T.submit_time) < now() - CONTROLLER_SILENT)) or 0
    return Controllers(at_work, left_alone)
