"""Lists of transforms as pages show them: in three orders, either way round, any page as fast as the first.

A list is put together from one stretch of an index for each state. Of each no more rows are read than the page has, so
that neither the number of transforms nor how rare a state is makes a page slow. Places in a list are keys, not counts.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (ColumnElement, Integer, Row, Select, Subquery, cast, func, literal, null, or_, select,
                        tuple_, union_all)
from sqlalchemy.orm import Session, defer

from servicex.models.base import UtcDateTime
from servicex.models.result import TransformResult
from servicex.models.transform import TransformRequest, TransformStatus
from servicex.models.user import User

STATES = tuple(TransformStatus)
# So many of the newest results are looked at to see how fast a transform is just now.
RECENT_RESULTS = 200
USERS_FOUND = 50


class Sort(StrEnum):
    """What a list is ordered by: when transforms were submitted, when they ended, or their state."""

    START = "start"
    FINISH = "finish"
    STATUS = "status"


@dataclass(frozen=True)
class Place:
    """Where a transform stands in a list: by `rank`, then by the time it ended where that counts, then by id."""

    rank: int
    time: datetime | None
    id: int


@dataclass(frozen=True)
class Order:
    """What a list is ordered by, and which way. What has not ended comes after all that has, unless descending."""

    sort: Sort = Sort.FINISH
    descending: bool = True

    def rank(self, state: TransformStatus) -> int:
        """Transforms of that state stand together with those of the same rank."""
        if self.sort is Sort.STATUS:
            return STATES.index(state)
        return int(self.sort is Sort.FINISH and not state.terminal)

    def by_time(self, state: TransformStatus) -> bool:
        """Whether the time they ended orders those of the state."""
        return self.sort is Sort.FINISH and state.terminal

    def reversed(self) -> "Order":
        """The same list from its end."""
        return Order(self.sort, not self.descending)


@dataclass(frozen=True)
class Wanted:
    """Which transforms a list is of: of some states, of one user unless that is None."""

    states: Sequence[TransformStatus] = STATES
    owner: int | None = None
    everybody: bool = False


def places(session: Session, wanted: Wanted, order: Order, after: Place | None, limit: int,
           skip: int = 0) -> Sequence[Place]:
    """The next places of the list after that one, or from its beginning; `skip` so many first."""
    found = _stretch(wanted, order, after, limit + skip)
    if found is None:
        return []
    return [_place(row) for row in session.execute(_ordered(select(found), found, order).limit(limit).offset(skip))]


def matching(session: Session, wanted: Wanted, order: Order, after: Place | None, limit: int, text: str,
             window: int) -> tuple[Sequence[Place], Place | None]:
    """The places of those among the next `window` transforms whose title, dataset or user has the text in it.

    With them the place up to which there was looked, if there may be more behind it.
    """
    found = _stretch(wanted, order, after, window, texts=True)
    if found is None:
        return [], None
    looked_at = _ordered(select(found), found, order).limit(window).subquery()
    users = _users(session, text) if wanted.everybody else ()
    query = select(looked_at.c.rank, looked_at.c.time, looked_at.c.id).where(or_(
        looked_at.c.title.icontains(text, autoescape=True), looked_at.c.did.icontains(text, autoescape=True),
        looked_at.c.submitted_by.in_(users)))
    rows = session.execute(_ordered(query, looked_at, order).limit(limit)).all()
    if len(rows) == limit:
        return [_place(row) for row in rows], None
    last = places(session, wanted, order, after, 1, skip=window - 1)
    return [_place(row) for row in rows], last[0] if last else None


def _users(session: Session, text: str) -> Sequence[int]:
    return session.scalars(select(User.id).where(or_(
        User.name.icontains(text, autoescape=True), User.email.icontains(text, autoescape=True))).limit(
        USERS_FOUND)).all()


def _stretch(wanted: Wanted, order: Order, after: Place | None, limit: int, texts: bool = False) -> Subquery | None:
    """For each state the next transforms, `limit` of them at most: their ranks, times and ids, and what they are called
    if that is wanted."""
    parts = [_of_state(wanted, order, state, after, limit, texts).subquery() for state in wanted.states
             if after is None or not _behind(order, state, after)]
    return union_all(*(select(part) for part in parts)).subquery() if parts else None


def _behind(order: Order, state: TransformStatus, after: Place) -> bool:
    """Whether all transforms of the state come before that place."""
    rank = order.rank(state)
    return rank > after.rank if order.descending else rank < after.rank


def _of_state(wanted: Wanted, order: Order, state: TransformStatus, after: Place | None, limit: int,
              texts: bool) -> Select[Any]:
    rank, timed = order.rank(state), order.by_time(state)
    time: Any = TransformRequest.finish_time if timed else cast(null(), UtcDateTime)
    query: Select[Any] = select(literal(rank, Integer).label("rank"), time.label("time"), TransformRequest.id).where(
        TransformRequest.status == state, TransformRequest.deleted_at.is_(None))
    if texts:
        query = query.add_columns(TransformRequest.title, TransformRequest.did, TransformRequest.submitted_by)
    if not wanted.everybody:
        query = query.where(TransformRequest.submitted_by == wanted.owner)
    if timed:
        query = query.where(TransformRequest.finish_time.is_not(None))
    if after is not None and rank == after.rank:
        query = query.where(_beyond(order, timed, after))
    keys = (TransformRequest.finish_time, TransformRequest.id) if timed else (TransformRequest.id,)
    return query.order_by(*(key.desc() if order.descending else key for key in keys)).limit(limit)


def _beyond(order: Order, timed: bool, after: Place) -> ColumnElement[bool]:
    if not timed:
        return TransformRequest.id < after.id if order.descending else TransformRequest.id > after.id
    here = tuple_(TransformRequest.finish_time, TransformRequest.id)
    there = tuple_(literal(after.time, UtcDateTime), literal(after.id))
    return here < there if order.descending else here > there


def _ordered(query: Select[Any], found: Subquery, order: Order) -> Select[Any]:
    keys = (found.c.rank, found.c.time, found.c.id)
    return query.order_by(*(key.desc() if order.descending else key for key in keys))


def _place(row: Row[Any]) -> Place:
    return Place(row.rank, row.time, row.id)


def rows(session: Session, ids: Sequence[int]) -> Sequence[tuple[TransformRequest, str | None]]:
    """These transforms in their order, without their selections, each with the name of who submitted it."""
    query = select(TransformRequest, User.name).options(defer(TransformRequest.selection)).outerjoin(
        User, User.id == TransformRequest.submitted_by).where(TransformRequest.id.in_(ids))
    found = {row[0].id: (row[0], row[1]) for row in session.execute(query)} if ids else {}
    return [found[number] for number in ids if number in found]


def recent(session: Session, request_ids: Sequence[str]) -> dict[str, tuple[int, int, datetime]]:
    """The newest results of each transform: how many, at most `RECENT_RESULTS`, their events, and when the first came.
    """
    if not request_ids:
        return {}
    newest = [select(TransformResult.request_id, TransformResult.total_events, TransformResult.created_at).where(
        TransformResult.request_id == request_id).order_by(TransformResult.created_at.desc()).limit(
        RECENT_RESULTS).subquery() for request_id in request_ids]
    each = union_all(*(select(part) for part in newest)).subquery()
    query = select(each.c.request_id, func.count(), func.coalesce(func.sum(each.c.total_events), 0),
                   func.min(each.c.created_at)).group_by(each.c.request_id)
    return {row[0]: (row[1], int(row[2]), row[3]) for row in session.execute(query)}
