"""The lists of transforms that people look at: what they ask for, and one page of it."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from servicex.models import TransformRequest, TransformStatus
from servicex.models import transform as transforms
from servicex.models import transform_list
from servicex.models.base import now
from servicex.models.transform_list import STATES, Order, Place, Wanted
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions

PAGE_ROWS = 15
# Numbered pages are counted through from the beginning, so there is an end to them; all others are reached by a place.
MOST_NUMBERED = 100
# So many transforms are looked at for a text at once: their titles are in no index.
WINDOW = 2000
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class Asked:
    """What is asked for. `user` narrows the list of everybody; `before` asks for the page that ends at a place."""

    everybody: bool = False
    search: str = ""
    state: TransformStatus | None = None
    user: int | None = None
    order: Order = field(default_factory=Order)
    after: Place | None = None
    before: Place | None = None
    page: int = 1


@dataclass(frozen=True)
class Pace:
    """How fast a transform is, in files and events per second, and for how many seconds it still will go on at that."""

    files: float
    events: float
    seconds_left: float | None


@dataclass(frozen=True)
class Listed:
    """A transform with its place in the list, the name of who submitted it, and its pace if there is any."""

    transform: TransformRequest
    place: Place
    submitter: str | None
    pace: Pace | None


@dataclass(frozen=True)
class Page:
    """One page of a list. `older` is the place to go on from when no more was looked at for the text."""

    rows: Sequence[Listed]
    next: Place | None = None
    previous: Place | None = None
    older: Place | None = None


class TransformLists:
    """Reads lists of transforms: those of the caller, or everybody's for administrators."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def page(self, caller: Caller, asked: Asked) -> Page:
        """The page that is asked for; who is no administrator sees their own. The number of statements is bounded."""
        with self._transactions.read() as session:
            if asked.search:
                return _searched(session, caller, asked)
            return _read(session, asked, _wanted(caller, asked))


def _wanted(caller: Caller, asked: Asked) -> Wanted:
    """Without accounts everything is the one user's; with them, only administrators see others'."""
    states = (asked.state,) if asked.state else STATES
    everybody = caller.admin and (asked.everybody or caller.user_id is None)
    if everybody and asked.user is not None:
        return Wanted(states, asked.user)
    return Wanted(states, caller.user_id, everybody)


def _read(session: Session, asked: Asked, wanted: Wanted) -> Page:
    if asked.before is not None:
        found = transform_list.places(session, wanted, asked.order.reversed(), asked.before, PAGE_ROWS + 1)
        shown = found[:PAGE_ROWS][::-1]
        return Page(_listed(session, shown), next=shown[-1] if shown else None,
                    previous=shown[0] if len(found) > PAGE_ROWS else None)
    if asked.page > MOST_NUMBERED:
        return Page(())
    skip = 0 if asked.after else (asked.page - 1) * PAGE_ROWS
    found = transform_list.places(session, wanted, asked.order, asked.after, PAGE_ROWS + 1, skip)
    return _forward(session, found, begun=asked.after is not None or asked.page > 1)


def _forward(session: Session, found: Sequence[Place], begun: bool, older: Place | None = None) -> Page:
    shown = found[:PAGE_ROWS]
    return Page(_listed(session, shown), next=shown[-1] if len(found) > PAGE_ROWS else None,
                previous=shown[0] if begun and shown else None, older=older)


def _searched(session: Session, caller: Caller, asked: Asked) -> Page:
    """By the id of a transform at once, else by what its title, dataset and user are called."""
    wanted, text = _wanted(caller, asked), asked.search
    named = transforms.find(session, text)
    if named is not None and caller.may_see(named.submitted_by) and (
            wanted.everybody or named.submitted_by == wanted.owner):
        place = Place(asked.order.rank(named.status), named.finish_time, named.id)
        return Page(_listed(session, [place]))
    found, older = transform_list.matching(session, wanted, asked.order, asked.after, PAGE_ROWS + 1, text, WINDOW)
    return _forward(session, found, begun=False, older=older)


def _listed(session: Session, places: Sequence[Place]) -> Sequence[Listed]:
    rows = transform_list.rows(session, [place.id for place in places])
    running = [t.request_id for t, _ in rows if t.status is TransformStatus.RUNNING and t.files_reported]
    recent = transform_list.recent(session, running)
    by_id = {place.id: place for place in places}
    return [Listed(t, by_id[t.id], name, _pace(t, recent)) for t, name in rows]


def _pace(transform: TransformRequest, recent: Mapping[str, tuple[int, int, datetime]]) -> Pace | None:
    if transform.request_id in recent:
        files, events, since = recent[transform.request_id]
        seconds = max(1e-3, (now() - since).total_seconds())
        left = (transform.files_remaining or 0) * seconds / files
        return Pace(files / seconds, events / seconds, left)
    if transform.finish_time is None or not transform.files_reported:
        return None
    seconds = max(1e-3, (transform.finish_time - transform.submit_time).total_seconds())
    return Pace(transform.files_reported / seconds, transform.total_events / seconds, None)
