"""What the lists show of transforms and datasets, in words; and what their addresses say."""
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from servicex.errors import BadRequest
from servicex.models import Dataset, TransformStatus
from servicex.models.base import now
from servicex.models.transform_list import Order, Place, Sort
from servicex.services.dataset_lists import MOST_COUNTED, ListedDataset
from servicex.services.datasets import LIST_FINDER
from servicex.services.transform_lists import LONGEST_SEARCH, Asked, Listed
from servicex.web import words

LARGEST_ID = 2 ** 31 - 1
LONGEST_PLACE = 120
COLOURS = {TransformStatus.COMPLETE: "good", TransformStatus.FATAL: "bad", TransformStatus.BAD_DATASET: "bad",
           TransformStatus.CANCELED: "quiet"}
Arguments = Mapping[str, str]
Kind = TypeVar("Kind", Sort, TransformStatus)


@dataclass(frozen=True)
class ShownTransform:
    """A row of a dashboard."""

    id: int
    request_id: str
    title: str
    did: str
    submitter: str | None
    submitted_by: int | None
    status: str
    colour: str
    done: str
    total: str
    failed: int
    percent: int | None
    rate: str
    left: str
    size: str
    age: str
    submitted: datetime
    finished: datetime | None
    ended: bool
    of: int | None


def shown(listed: Listed) -> ShownTransform:
    """What a dashboard shows of a transform."""
    t, pace = listed.transform, listed.pace
    running = t.status is TransformStatus.RUNNING
    return ShownTransform(
        t.id, t.request_id, t.title or "Untitled", t.did, listed.submitter, t.submitted_by, t.status.text,
        COLOURS.get(t.status, "wait"), words.number(t.files_completed), words.number(t.files) if t.files else "Unknown",
        t.files_failed, _percent(t.files_reported, t.files) if running else None,
        _pace_in_words(pace.files, pace.events) if pace else words.UNKNOWN,
        words.duration(pace.seconds_left) if pace else words.UNKNOWN, words.size(t.total_bytes),
        age(t.submit_time), t.submit_time, t.finish_time, t.status.terminal, t.retry_of)


def _percent(reported: int, files: int) -> int:
    """Only what is done whole is at 100."""
    return reported * 100 // files if files else 0


def _pace_in_words(files: float, events: float) -> str:
    """In files while these come often enough to be counted, else in events."""
    return words.rate(files, "files") if files >= 0.1 or not events else words.rate(events, "events")


def age(then: datetime) -> str:
    """How long ago that was."""
    return words.duration(max(0.0, (now() - then).total_seconds()))


@dataclass(frozen=True)
class ShownDataset:
    """A row of the page of datasets."""

    id: int
    name: str
    finder: str
    state: str
    colour: str
    message: str | None
    files: str
    size: str
    events: str
    age: str
    updated: datetime
    used: str
    users: str
    may_refresh: bool


def shown_dataset(listed: ListedDataset) -> ShownDataset:
    """What the page shows of a dataset."""
    d = listed.dataset
    is_list = d.did_finder == LIST_FINDER
    count = f"{MOST_COUNTED} or more" if listed.transforms >= MOST_COUNTED else str(listed.transforms)
    return ShownDataset(
        d.id, f"A list of {d.n_files} files" if is_list else d.name, "list" if is_list else d.did_finder,
        d.lookup_status.replace("_", " "), _dataset_colour(d), d.lookup_message, words.number(d.n_files),
        words.size(d.size) if d.size else words.UNKNOWN, words.number(d.events or None), age(d.last_updated),
        d.last_updated, count, ", ".join(f"{name} ({uses})" for name, uses in sorted(listed.users.items())),
        not is_list)


def _dataset_colour(dataset: Dataset) -> str:
    return {"complete": "good", "created": "wait", "looking": "wait"}.get(dataset.lookup_status, "bad")


# Addresses

def asked(arguments: Arguments, everybody: bool) -> Asked:
    """What the query of a dashboard's address asks for. Raises BadRequest for what it cannot mean."""
    state = arguments.get("state")
    return Asked(everybody, arguments.get("search", "").strip()[:LONGEST_SEARCH].replace("\0", ""),
                 _one_of(TransformStatus, state, "state") if state else None, _id(arguments.get("user")),
                 order(arguments), _place(arguments.get("after")), _place(arguments.get("before")),
                 _page(arguments.get("page")))


def order(arguments: Arguments) -> Order:
    """The order that the query asks for. Raises BadRequest."""
    way = arguments.get("order", "desc")
    if way not in ("asc", "desc"):
        raise BadRequest("order must be asc or desc.")
    return Order(_one_of(Sort, arguments.get("sort", Sort.FINISH), "sort"), way == "desc")


def _one_of(kind: type[Kind], text: str, name: str) -> Kind:
    try:
        return kind(text)
    except ValueError as error:
        raise BadRequest(f"{name} must be one of: {', '.join(kind)}.") from error


def _page(text: str | None) -> int:
    """A number of earlier links; what is none is the first page."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def place_text(place: Place) -> str:
    """A place in a list, as addresses carry it."""
    time = place.time.isoformat() if place.time else ""
    return base64.urlsafe_b64encode(f"{place.rank} {time} {place.id}".encode()).decode()


def _place(text: str | None) -> Place | None:
    """The place in an address. Raises BadRequest for what is none."""
    if not text:
        return None
    try:
        rank, time, number = base64.b64decode(text[:LONGEST_PLACE].encode(), b"-_", validate=True).decode().split(" ")
        place = Place(int(rank), datetime.fromisoformat(time) if time else None, int(number))
    except ValueError as error:
        raise BadRequest("This link is not whole. Go back to the beginning of the list.") from error
    if not (0 <= place.rank < 100 and 0 <= place.id <= LARGEST_ID) or (place.time and place.time.utcoffset() is None):
        raise BadRequest("This link is not whole. Go back to the beginning of the list.")
    return place
