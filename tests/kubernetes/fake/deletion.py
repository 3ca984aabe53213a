"""Deleting: at once, or when what must go first has gone; and what goes along with its owner."""
import copy

from tests.kubernetes.fake.resources import PODS, Object, Resource, resource_of
from tests.kubernetes.fake.store import Store, now

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_FINALIZERS = {"Foreground": [FOREGROUND], "Orphan": [ORPHAN], "Background": []}


def delete(store: Store, resource: Resource, found: Object, policy: str = "Background",
           grace: int | None = None) -> Object | None:
    """Delete the object, or mark it as being deleted: then what it is now is returned.

    A pod on a node stays until it is deleted with a grace of 0, which the node would do: there is none here.
    """
    marked = copy.deepcopy(found)
    metadata = marked["metadata"]
    finalizers = [*metadata.get("finalizers", []), *_FINALIZERS[policy]]
    seconds = _grace(resource, found, grace)
    if not finalizers and not seconds:
        store.remove(resource, found)
        return None
    if finalizers:
        metadata["finalizers"] = list(dict.fromkeys(finalizers))
    metadata.setdefault("deletionTimestamp", now())
    metadata["deletionGracePeriodSeconds"] = seconds
    return store.update(resource, marked)


def _grace(resource: Resource, found: Object, asked: int | None) -> int:
    if resource is not PODS or not found["spec"].get("nodeName"):
        return 0
    if found.get("status", {}).get("phase") in ("Failed", "Succeeded"):
        return 0
    usual = int(found["spec"].get("terminationGracePeriodSeconds", 30))
    return usual if asked is None else asked


def collect_garbage(store: Store) -> None:
    """One pass: orphan or delete the dependents of what is being deleted, and delete what has lost all its owners."""
    everything = list(store.everything())
    for resource, found in everything:
        if "deletionTimestamp" in found["metadata"]:
            _go_on(store, resource, found, everything)
    for resource, found in everything:
        current = _current(store, resource, found)
        if current and "deletionTimestamp" not in current["metadata"] and _has_lost_its_owners(store, current):
            delete(store, resource, current)


def owned_by(owner: Object, found: Object) -> Object | None:
    """The reference with which the object names that owner, or None."""
    references = found["metadata"].get("ownerReferences") or []
    return next((each for each in references if each["uid"] == owner["metadata"]["uid"]), None)


def _go_on(store: Store, resource: Resource, found: Object, everything: list[tuple[Resource, Object]]) -> None:
    finalizers = found["metadata"].get("finalizers") or []
    dependents = [(kind, current) for kind, each in everything
                  if owned_by(found, each) and (current := _current(store, kind, each))]
    if ORPHAN in finalizers:
        for kind, each in dependents:
            _orphan(store, kind, each, found)
        _finalized(store, resource, found, ORPHAN)
    elif FOREGROUND in finalizers:
        for kind, each in dependents:
            if "deletionTimestamp" not in each["metadata"]:
                delete(store, kind, each, "Background" if kind is PODS else "Foreground")
        if not any((owned_by(found, each) or {}).get("blockOwnerDeletion") and _current(store, kind, each)
                   for kind, each in dependents):
            _finalized(store, resource, found, FOREGROUND)
    elif not finalizers and not found["metadata"].get("deletionGracePeriodSeconds"):
        store.remove(resource, found)


def _orphan(store: Store, resource: Resource, found: Object, owner: Object) -> None:
    freed = copy.deepcopy(found)
    references = [each for each in freed["metadata"]["ownerReferences"] if each["uid"] != owner["metadata"]["uid"]]
    freed["metadata"]["ownerReferences"] = references
    if not references:
        del freed["metadata"]["ownerReferences"]
    store.update(resource, freed)


def _finalized(store: Store, resource: Resource, found: Object, finalizer: str) -> None:
    done = copy.deepcopy(found)
    done["metadata"]["finalizers"].remove(finalizer)
    store.update(resource, done)


def _has_lost_its_owners(store: Store, found: Object) -> bool:
    references = found["metadata"].get("ownerReferences") or []
    return bool(references) and not any(_owner_exists(store, each, found) for each in references)


def _owner_exists(store: Store, reference: Object, found: Object) -> bool:
    """Owners of kinds that are not known here count as there: the real collector cannot look them up either."""
    resource = resource_of(reference["apiVersion"], reference["kind"])
    if resource is None:
        return True
    namespace = found["metadata"].get("namespace", "") if resource.namespaced else ""
    owner = store.get(resource, namespace, reference["name"])
    return owner is not None and owner["metadata"]["uid"] == reference["uid"]


def _current(store: Store, resource: Resource, found: Object) -> Object | None:
    current = store.get(resource, found["metadata"].get("namespace", ""), found["metadata"]["name"])
    return current if current and current["metadata"]["uid"] == found["metadata"]["uid"] else None
