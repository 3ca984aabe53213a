"""The objects, and the history of their changes that watches read."""
import bisect
import copy
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from tests.kubernetes.fake.resources import Object, Resource

# Where versions begin, so that there are older ones which nobody remembers.
FIRST_VERSION = 1000


@dataclass(frozen=True)
class Change:
    """One change: `before` is None for an object that was created, `deleted` tells one that is gone."""

    version: int
    resource: Resource
    after: Object
    before: Object | None
    deleted: bool = False


class Store:
    """Objects by resource, namespace and name. What is handed out is never changed later: a write puts a new one.

    Hold `changed` for everything that must see or make one state; it is notified at each change.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = FIRST_VERSION
        self.oldest = FIRST_VERSION
        self.history: list[Change] = []
        self._objects: dict[Resource, dict[tuple[str, str], Object]] = {}
        self._dependents: dict[str, dict[tuple[Resource, tuple[str, str]], None]] = {}

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        return self._objects.get(resource, {}).get((namespace, name))

    def objects(self, resource: Resource, namespace: str = "") -> list[Object]:
        """All of a resource, of one namespace or of all, in the order of their names."""
        found = self._objects.get(resource, {})
        return [found[key] for key in sorted(found) if not namespace or key[0] == namespace]

    def everything(self) -> Iterator[tuple[Resource, Object]]:
        """All objects of all resources."""
        for resource in list(self._objects):
            for found in self.objects(resource):
                yield resource, found

    def dependents(self, owner: Object) -> list[tuple[Resource, Object]]:
        """The objects that name that one as an owner of theirs, oldest first."""
        return [(resource, self._objects[resource][key])
                for resource, key in self._dependents.get(owner["metadata"]["uid"], {})]

    def changes_since(self, version: int) -> list[Change]:
        """All changes after that version that are remembered."""
        return self.history[bisect.bisect_right(self.history, version, key=lambda change: change.version):]

    def add(self, resource: Resource, new: Object) -> Object:
        """Store a new object, with all that the server adds to one."""
        new = copy.deepcopy(new)
        new["metadata"].update(uid=str(uuid.uuid4()), creationTimestamp=now())
        if resource.counts_generations:
            new["metadata"]["generation"] = 1
        return self._record(resource, new, None)

    def update(self, resource: Resource, new: Object) -> Object:
        """Put the object in the place of the one of its name; one that is the same is no change."""
        before = self._objects[resource][_key(new)]
        new = copy.deepcopy(new)
        new["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if resource.counts_generations and new["spec"] != before["spec"]:
            new["metadata"]["generation"] = before["metadata"]["generation"] + 1
        return before if new == before else self._record(resource, new, before)

    def remove(self, resource: Resource, gone: Object) -> None:
        """Delete the object of its name."""
        before = self._objects[resource].pop(_key(gone))
        last = copy.deepcopy(before)
        last["metadata"]["resourceVersion"] = str(self._next_version())
        self._index(resource, before, None)
        self._tell(Change(self.version, resource, last, before, deleted=True))

    def forget(self) -> None:
        """Forget all changes so far, as the real server does after some minutes."""
        with self.changed:
            self.history.clear()
            self.oldest = self._next_version()

    def _record(self, resource: Resource, new: Object, before: Object | None) -> Object:
        new["metadata"]["resourceVersion"] = str(self._next_version())
        self._objects.setdefault(resource, {})[_key(new)] = new
        self._index(resource, before, new)
        self._tell(Change(self.version, resource, new, before))
        return new

    def _index(self, resource: Resource, before: Object | None, after: Object | None) -> None:
        """Keep in mind whose dependent the object is."""
        for uid in _owner_uids(before) - _owner_uids(after):
            del self._dependents[uid][resource, _key(before or {})]
        for uid in _owner_uids(after) - _owner_uids(before):
            self._dependents.setdefault(uid, {})[resource, _key(after or {})] = None

    def _next_version(self) -> int:
        self.version += 1
        return self.version

    def _tell(self, change: Change) -> None:
        with self.changed:
            self.history.append(change)
            self.changed.notify_all()


def now() -> str:
    """This second, as Kubernetes writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owner_uids(found: Object | None) -> set[str]:
    return {each["uid"] for each in found["metadata"].get("ownerReferences") or []} if found else set()


def _key(found: Object) -> tuple[str, str]:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
