"""The controllers at work: what has changed is looked at, and what that changes, till nothing is left to do."""
from tests.kubernetes.fake.deletion import collect
from tests.kubernetes.fake.deployments import reconcile_deployment
from tests.kubernetes.fake.replica_sets import reconcile_replica_set
from tests.kubernetes.fake.resources import DEPLOYMENTS, REPLICA_SETS, Object, Resource, resource_of
from tests.kubernetes.fake.store import Change, Store

# An object by its resource, namespace and name.
Place = tuple[Resource, str, str]


class Controllers:
    """Those of garbage, Deployments and replica sets. With a `refusal` no pods can be made, for that reason."""

    def __init__(self, store: Store) -> None:
        self.refusal: str | None = None
        self._store = store
        self._seen = store.version

    def settle(self) -> None:
        """Act on all changes since the last time, and on those that follow from them."""
        with self._store.changed:
            while changes := self._store.changes_since(self._seen):
                self._seen = self._store.version
                for place in dict.fromkeys(place for change in changes for place in _affected(self._store, change)):
                    self._look_at(*place)

    def look_at_all(self, resource: Resource) -> None:
        """Act on all of a resource, whether they have changed or not, as when time has passed."""
        with self._store.changed:
            for found in self._store.objects(resource):
                self._look_at(*_place(resource, found))
            self.settle()

    def _look_at(self, resource: Resource, namespace: str, name: str) -> None:
        found = self._store.get(resource, namespace, name)
        if found is None:
            return
        collect(self._store, resource, found)
        if self._store.get(resource, namespace, name) is not found or "deletionTimestamp" in found["metadata"]:
            return
        if resource is DEPLOYMENTS:
            reconcile_deployment(self._store, found)
        elif resource is REPLICA_SETS:
            reconcile_replica_set(self._store, found, self.refusal)


def _affected(store: Store, change: Change) -> list[Place]:
    """Whom a change matters to: the object, its owners, and its dependents if it is going."""
    found, namespace = change.after, change.after["metadata"].get("namespace", "")
    places = [] if change.deleted else [_place(change.resource, found)]
    for owner in found["metadata"].get("ownerReferences") or []:
        if resource := resource_of(owner["apiVersion"], owner["kind"]):
            places.append((resource, namespace if resource.namespaced else "", owner["name"]))
    if change.deleted or "deletionTimestamp" in found["metadata"]:
        places += [_place(resource, each) for resource, each in store.dependents(found)]
    return places


def _place(resource: Resource, found: Object) -> Place:
    return resource, found["metadata"].get("namespace", ""), found["metadata"]["name"]
