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
    if finalizers:
        metadata["finalizers"] = list(dict.fromkeys(finalizers))
    metadata.setdefault("deletionTimestamp", now())
    metadata["deletionGracePeriodSeconds"] = seconds
    if finalizers or seconds:
        return store.update(resource, marked)
    if resource is PODS:
        store.update(resource, marked)  # those who watch pods see that they are about to go, and then that they went
    store.remove(resource, found)
    return None


def _grace(resource: Resource, found: Object, asked: int | None) -> int:
    if resource is not PODS or not found["spec"].get("nodeName"):
        return 0
    if found.get("status", {}).get("phase") in ("Failed", "Succeeded"):
        return 0
    usual = int(found["spec"].get("terminationGracePeriodSeconds", 30))
    return usual if asked is None else asked


def collect(store: Store, resource: Resource, found: Object) -> None:
    """Go on with an object that is being deleted; delete one that has lost all its owners."""
    if "deletionTimestamp" in found["metadata"]:
        _go_on(store, resource, found)
    elif _has_lost_its_owners(store, found):
        delete(store, resource, found)


def _reference(owner: Object, found: Object) -> Object:
    """The reference with which the object names that owner, which it does."""
    references: list[Object] = found["metadata"]["ownerReferences"]
    return next(each for each in references if each["uid"] == owner["metadata"]["uid"])


def _go_on(store: Store, resource: Resource, found: Object) -> None:
    finalizers, dependents = found["metadata"].get("finalizers") or [], store.dependents(found)
    if ORPHAN in finalizers:
        for kind, each in dependents:
            _orphan(store, kind, each, found)
        _finalized(store, resource, found, ORPHAN)
    elif FOREGROUND in finalizers:
        for kind, each in dependents:
            if "deletionTimestamp" not in each["metadata"]:
                delete(store, kind, each, "Background" if kind is PODS else "Foreground")
        if not any(_reference(found, each).get("blockOwnerDeletion") for _, each in store.dependents(found)):
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
