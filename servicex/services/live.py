"""How transforms are just now, for whoever watches them: one reader for all, whose news each of them waits for.

As long as anybody watches, one thread asks the database for all transforms that are watched, once a second and with one
statement. Each watch keeps no more than the newest state of its transforms, however slowly it is asked.
"""
import logging
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2s
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from servicex.errors import NotFound, Unavailable
from servicex.models import TransformRequest, TransformStatus
from servicex.models.base import now
from servicex.services import rights
from servicex.services.caller import Caller
from servicex.services.rights import NO_ACCOUNTS, Proof
from servicex.services.transactions import Transactions

log = logging.getLogger(__name__)
READ_SECONDS = 1.0
RIGHTS_SECONDS = 20.0
# Over how many seconds the rate is measured.
PACE_SECONDS = 30.0
# Shorter, it is not told from chance; till then the rate since the submission is given.
LEAST_PACE_SECONDS = 5.0
T = TransformRequest
COLUMNS = (T.id, T.request_id, T.submitted_by, T.status, T.files, T.files_completed, T.files_failed, T.total_events,
           T.total_bytes, T.submit_time, T.finish_time, T.failure_description)


@dataclass(frozen=True)
class LiveState:
    """How far a transform is. Rates are per second; two states are the same if they differ in these alone."""

    id: int
    request_id: str
    owner: int | None
    status: TransformStatus
    files: int
    files_completed: int
    files_failed: int
    events: int
    bytes: int
    submit_time: datetime
    finish_time: datetime | None
    failure: str | None
    files_rate: float = field(default=0.0, compare=False)
    events_rate: float = field(default=0.0, compare=False)

    @property
    def version(self) -> str:
        """What differs between two states that differ, the same in all processes."""
        seen = (self.request_id, self.status.value, self.files, self.files_completed, self.files_failed, self.events,
                self.bytes, self.failure)
        return blake2s(repr(seen).encode(), digest_size=8).hexdigest()

    @property
    def files_reported(self) -> int:
        return self.files_completed + self.files_failed

    @property
    def seconds_left(self) -> float | None:
        """How long it takes for what is left at this rate; None if that cannot be said."""
        if self.status is not TransformStatus.RUNNING or not self.files_rate or not self.files:
            return None
        return max(0, self.files - self.files_reported) / self.files_rate


@dataclass(frozen=True)
class _Pace:
    """How many files and events there were at a time."""

    at: float
    files: int
    events: int


class TooManyWatch(Unavailable):
    """Raised when so many watch already that no more can."""


class Watch:
    """One that watches some transforms, till it is closed; `ended` once there is nothing more to be told.

    One thread may ask it at a time.
    """

    def __init__(self, live: "LiveStates", states: Mapping[int, LiveState], proof: Proof):
        self._live = live
        self._newest = dict(states)
        self._told: dict[int, LiveState] = {}
        self._news = threading.Event()
        self._stopped = False
        self.proof = proof

    @property
    def ids(self) -> Collection[int]:
        """The rows of the transforms."""
        return tuple(self._newest)

    @property
    def version(self) -> str:
        """That of the transform or, of several, what is made of theirs."""
        versions = [state.version for _, state in sorted(self._newest.items())]
        return versions[0] if len(versions) == 1 else blake2s(",".join(versions).encode(), digest_size=8).hexdigest()

    @property
    def ended(self) -> bool:
        """Whether all transforms have ended, as was told, or nothing more may be told."""
        return self._stopped or all(state.status.terminal for state in self._newest.values()) and not self._untold()

    def skip(self) -> None:
        """Take the present states for told."""
        self._told = dict(self._newest)

    def next(self, seconds: float) -> Sequence[LiveState]:
        """The states that were not told yet, at once if there are any, else as soon as there are; none if none come."""
        if not self._untold():
            self._news.wait(seconds)
        self._news.clear()
        untold = [] if self._stopped else self._untold()
        self._told.update({state.id: state for state in untold})
        return untold

    def notice(self, states: Mapping[int, LiveState]) -> None:
        """Take over what was read; transforms that are not there were deleted."""
        newest = {row: states[row] for row in self._newest if row in states}
        if newest != self._newest:
            self._newest = newest
            self._news.set()

    def stop(self) -> None:
        """Have it tell nothing more."""
        self._stopped = True
        self._news.set()

    def close(self) -> None:
        """Watch no more."""
        self._live.leave(self)

    def _untold(self) -> list[LiveState]:
        return [state for row, state in self._newest.items() if self._told.get(row) != state]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


class LiveStates:
    """The states of transforms, read for at most `most` who watch. The reader begins with the first, after any fork."""

    def __init__(self, transactions: Transactions, most: int, seconds: float = READ_SECONDS,
                 rights_seconds: float = RIGHTS_SECONDS):
        self._transactions = transactions
        self._most = most
        self._seconds = seconds
        self._rights_seconds = rights_seconds
        self._rights_at = 0.0
        self._paces: dict[int, deque[_Pace]] = {}
        self._watches: set[Watch] = set()
        self._watched = threading.Condition()
        self._closing = threading.Event()
        self._reader: threading.Thread | None = None

    def now(self, caller: Caller, names: Collection[str]) -> Sequence[LiveState]:
        """The states of those of these transforms that the caller may see, by request id or number of the row."""
        with self._transactions.read() as session:
            found = _read(session, _named(names))
        return [state for state in found.values() if caller.may_see(state.owner)]

    def watch(self, caller: Caller, names: Collection[str], proof: Proof = NO_ACCOUNTS) -> Watch:
        """Watch those of these transforms that the caller may see, as long as the proof is good.

        Raises NotFound if there is none, and TooManyWatch.
        """
        self._check_room()
        states = {state.id: state for state in self.now(caller, names)}
        if not states:
            raise NotFound(f"Transformation request not found with id: {', '.join(names)}")
        watch = Watch(self, states, proof)
        with self._watched:
            self._check_room()
            self._watches.add(watch)
            self._start()
            self._watched.notify_all()
        return watch

    def leave(self, watch: Watch) -> None:
        """Forget one that watched."""
        with self._watched:
            self._watches.discard(watch)

    def close(self) -> None:
        """End all watches, and take no new ones."""
        self._closing.set()
        with self._watched:
            for watch in self._watches:
                watch.stop()
            self._watched.notify_all()

    def _check_room(self) -> None:
        if self._closing.is_set():
            raise Unavailable("The server is about to end; please try again in a moment.")
        if len(self._watches) >= self._most:
            raise TooManyWatch("As many watch their transforms live as this server holds. Ask for the status now and "
                               "then instead, or try again in a moment.")

    def _start(self) -> None:
        if self._reader is None:
            self._reader = threading.Thread(target=self._run, name="live-states", daemon=True)
            self._reader.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._watched:
                self._watched.wait_for(lambda: self._watches or self._closing.is_set())
            try:
                self._read_all()
            except Unavailable as error:
                log.warning("live states have to wait: %s", error)
            except Exception:
                log.exception("live states could not be read; it goes on in a moment")
            self._closing.wait(self._seconds)

    def _read_all(self) -> None:
        with self._watched:
            watches = list(self._watches)
        ids = {row for watch in watches for row in watch.ids}
        with self._transactions.read() as session:
            lost = self._lost(session, watches)
            states = _read(session, T.id.in_(ids), self._paces)
        self._paces = {row: pace for row, pace in self._paces.items() if row in states}
        for watch in watches:
            if watch.proof in lost:
                watch.stop()
            watch.notice(states)

    def _lost(self, session: Session, watches: Collection[Watch]) -> set[Proof]:
        """The proofs that are good no more, if it is time to look again."""
        if time.monotonic() < self._rights_at:
            return set()
        self._rights_at = time.monotonic() + self._rights_seconds
        return rights.lost(session, {watch.proof for watch in watches})


def live_state(transform: TransformRequest) -> LiveState:
    """How far a transform is whose row is at hand."""
    return _state(transform, {})


def _named(names: Collection[str]) -> ColumnElement[bool]:
    """What finds the transforms of these request ids, or of these numbers of rows."""
    plain = [name for name in names if name.isascii() and name.isprintable()]
    rows = [int(name) for name in plain if name.isdigit() and len(name) < 10]
    return or_(T.request_id.in_(plain), T.id.in_(rows)) if rows else T.request_id.in_(plain)


def _read(session: Session, which: ColumnElement[bool],
          paces: dict[int, deque[_Pace]] | None = None) -> dict[int, LiveState]:
    rows = session.execute(select(*COLUMNS).where(which, T.deleted_at.is_(None)))
    return {row.id: _state(row, paces if paces is not None else {}) for row in rows}


def _state(row: Any, paces: dict[int, deque[_Pace]]) -> LiveState:
    files_rate, events_rate = _rates(row, paces.setdefault(row.id, deque()))
    return LiveState(row.id, row.request_id, row.submitted_by, row.status, row.files, row.files_completed,
                     row.files_failed, row.total_events, row.total_bytes, row.submit_time, row.finish_time,
                     row.failure_description, files_rate, events_rate)


def _rates(row: Any, pace: deque[_Pace]) -> tuple[float, float]:
    """Files and events per second: of late, if that was watched for long enough, else since the submission."""
    latest = _Pace(time.monotonic(), row.files_completed + row.files_failed, row.total_events)
    pace.append(latest)
    while pace[0].at < latest.at - PACE_SECONDS:
        pace.popleft()
    first = pace[0]
    seconds = latest.at - first.at
    if row.status.terminal or seconds < LEAST_PACE_SECONDS:
        seconds = ((row.finish_time or now()) - row.submit_time).total_seconds()
        first = _Pace(0.0, 0, 0)
    if seconds <= 0:
        return 0.0, 0.0
    return (latest.files - first.files) / seconds, (latest.events - first.events) / seconds
