"""Watches: what has changed since a version, as lines that follow while the caller listens."""
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.kubernetes.fake.errors import expired
from tests.kubernetes.fake.resources import Object, Resource
from tests.kubernetes.fake.selectors import Matches
from tests.kubernetes.fake.store import Change, Store

# How often a watch looks whether it is to end.
TURN_SECONDS = 0.2
LONGEST_SECONDS = 1800.0


@dataclass(frozen=True)
class Selection:
    """What is listed or watched: objects of a resource, of one namespace or all, that match."""

    resource: Resource
    namespace: str
    matches: Matches
    shown: Callable[[Object], Object]

    def has(self, found: Object | None) -> bool:
        """Whether the object is among them."""
        if found is None or self.namespace not in ("", found["metadata"].get("namespace", "")):
            return False
        return self.matches(found)

    def objects(self, store: Store) -> list[Object]:
        """All of them, as they are shown."""
        return [self.shown(found) for found in store.objects(self.resource, self.namespace) if self.has(found)]


@dataclass(frozen=True)
class Watch:
    """What the caller of a watch asked for."""

    selection: Selection
    since: int | None
    seconds: float
    bookmarks: bool


def events(store: Store, watch: Watch, closing: threading.Event) -> Iterator[Object | None]:
    """The events, and None now and then, so that the caller can look whether anybody still listens."""
    end = time.monotonic() + min(watch.seconds, LONGEST_SECONDS)
    with store.changed:
        first = [] if watch.since else [{"type": "ADDED", "object": each} for each in watch.selection.objects(store)]
        seen = began = watch.since or store.version
        forgotten = bool(watch.since) and seen < store.oldest
    if forgotten:
        yield {"type": "ERROR", "object": expired(f"too old resource version: {seen} ({store.oldest})").body()}
        return
    yield from first
    while not closing.is_set() and time.monotonic() < end:
        changes = _changes(store, seen, min(TURN_SECONDS, max(0.0, end - time.monotonic())))
        seen = max([seen, *(change.version for change in changes)])
        yield from filter(None, (_event(watch.selection, change) for change in changes))
        yield None
    if watch.bookmarks and seen > began:
        yield _bookmark(watch.selection.resource, seen)


def _changes(store: Store, seen: int, seconds: float) -> list[Change]:
    """What came after that version; waits for it."""
    with store.changed:
        if store.version <= seen:
            store.changed.wait(seconds)
        return store.changes_since(seen)


def _event(selection: Selection, change: Change) -> Object | None:
    """What the change is for those who watch the selection: what ceases to match is gone for them."""
    if change.resource is not selection.resource:
        return None
    had, has = selection.has(change.before), not change.deleted and selection.has(change.after)
    kind = {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get((had, has))
    return {"type": kind, "object": selection.shown(change.after)} if kind else None


def _bookmark(resource: Resource, version: int) -> Object:
    return {"type": "BOOKMARK", "object": {"kind": resource.kind, "apiVersion": resource.api_version,
                                           "metadata": {"resourceVersion": str(version), "creationTimestamp": None}}}
