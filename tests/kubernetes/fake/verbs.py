"""What the API does: create, read, list, replace, patch, delete."""
import base64
import copy
import json
from collections.abc import Callable
from typing import Any

from tests.kubernetes.fake.decoding import decode
from tests.kubernetes.fake.defaults import fill_in
from tests.kubernetes.fake.deletion import delete
from tests.kubernetes.fake.errors import already_exists, bad_request, conflict, expired, invalid, not_found
from tests.kubernetes.fake.happenings import made_up_name
from tests.kubernetes.fake.patches import patched
from tests.kubernetes.fake.pod_validation import cause
from tests.kubernetes.fake.queries import Query, whole_number
from tests.kubernetes.fake.replica_sets import first_status
from tests.kubernetes.fake.resources import AUTOSCALERS, CLAIMS, NAMESPACES, PODS, SECRETS, Object, Resource, Target
from tests.kubernetes.fake.store import Store
from tests.kubernetes.fake.validation import validate
from tests.kubernetes.fake.versions import shown, stored
from tests.kubernetes.fake.watches import Selection

_FIRST_STATUS: dict[Resource, Object] = {CLAIMS: {"phase": "Pending"},
                                         AUTOSCALERS: {"currentReplicas": 0, "desiredReplicas": 0}}


def find(store: Store, target: Target) -> Object:
    """The object; raises ApiError 404."""
    found = store.get(target.resource, target.namespace, target.name)
    if found is None:
        raise not_found(target.resource.plural, target.resource.group, target.name)
    return found


def create(store: Store, target: Target, body: Any, query: Query) -> Object:
    """Store a new object; the answer is what was stored."""
    resource, new = target.resource, stored(target, decode(target, body))
    metadata = new["metadata"]
    _name(target, metadata)
    for key in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation"):
        metadata.pop(key, None)
    _prepare(target, new)
    validate(resource, new)
    if resource.namespaced and store.get(NAMESPACES, "", target.namespace) is None:
        raise not_found("namespaces", "", target.namespace)
    if store.get(resource, target.namespace, metadata["name"]) is not None:
        raise already_exists(resource.plural, resource.group, metadata["name"])
    return shown(target, new if query.get("dryRun") == "All" else store.add(resource, new))


def _name(target: Target, metadata: Object) -> None:
    if target.resource.namespaced:
        _same_namespace(target, metadata)
        metadata["namespace"] = target.namespace
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = made_up_name(metadata["generateName"])


def _same_namespace(target: Target, metadata: Object) -> None:
    if metadata.get("namespace", target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def _prepare(target: Target, new: Object) -> None:
    resource = target.resource
    if resource.has_status:
        new.pop("status", None)
    for key, value in new.pop("stringData", {}).items():
        new.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
    if resource is SECRETS:
        new.setdefault("type", "Opaque")
    fill_in(resource, new)
    if resource is PODS:
        new["status"] = first_status(new.get("spec") or {})
    elif resource.has_status and resource is not NAMESPACES:
        new["status"] = dict(_FIRST_STATUS.get(resource, {}))


def replace(store: Store, target: Target, body: Any, query: Query) -> Object:
    """Put the body in the place of an object, or its status in the place of its status."""
    new = stored(target, decode(target, body))
    if new["metadata"].get("name", "") != target.name:
        raise bad_request(f"the name of the object ({new['metadata'].get('name', '')}) does not match the name on the "
                          f"URL ({target.name})")
    return _put(store, target, new, query)


def patch(store: Store, target: Target, body: Any, query: Query, content_type: str) -> Object:
    """Patch an object, or its status."""
    found = find(store, target)
    new = patched(shown(target, found), body, content_type)
    return _put(store, target, stored(target, decode(target, new)), query)


def _put(store: Store, target: Target, new: Object, query: Query) -> Object:
    found, metadata = find(store, target), new["metadata"]
    _same_namespace(target, metadata)
    _check_identity(target, found, metadata)
    merged = _kept(target, found, new)
    fill_in(target.resource, merged)
    validate(target.resource, merged, found)
    return shown(target, merged if query.get("dryRun") == "All" else store.update(target.resource, merged))


def _check_identity(target: Target, found: Object, claimed: Object) -> None:
    resource, known = target.resource, found["metadata"]
    if claimed.get("uid", known["uid"]) != known["uid"]:
        raise conflict(resource.plural, resource.group, target.name, f"Precondition failed: UID in precondition: "
                       f"{claimed['uid']}, UID in object meta: {known['uid']}")
    if claimed.get("resourceVersion", known["resourceVersion"]) != known["resourceVersion"]:
        raise conflict(resource.plural, resource.group, target.name, "the object has been modified; please apply your "
                       "changes to the latest version and try again")


def _kept(target: Target, found: Object, new: Object) -> Object:
    """The new object with what a caller cannot change: the server's metadata, the status or all but the status."""
    if target.subresource == "status":
        return {**copy.deepcopy(found), "status": new.get("status", {})}
    kept = {key: found["metadata"][key] for key in ("uid", "creationTimestamp", "namespace", "generation",
            "deletionTimestamp", "deletionGracePeriodSeconds") if key in found["metadata"]}
    merged = {**copy.deepcopy(new), "metadata": {**new["metadata"], **kept}}
    if target.resource.has_status:
        merged["status"] = found.get("status", {})
    return merged


def list_objects(store: Store, target: Target, selection: Selection, query: Query) -> Object:
    """One page of a list, or all of it."""
    items, after = selection.objects(store), ""
    limit = whole_number(query, "limit")
    if query.get("continue"):
        after = _read_token(store, query["continue"])
        items = [each for each in items if _position(each) > after]
    metadata: Object = {"resourceVersion": str(store.version)}
    if limit and len(items) > limit:
        metadata["continue"] = _token(store.version, _position(items[limit - 1]))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return {"kind": f"{target.resource.kind}List", "apiVersion": target.resource.versioned(target.version),
            "metadata": metadata, "items": items}


def _position(found: Object) -> str:
    return f"{found['metadata'].get('namespace', '')}/{found['metadata']['name']}"


def _token(version: int, after: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"version": version, "after": after}).encode()).decode()


def _read_token(store: Store, token: str) -> str:
    try:
        read = json.loads(base64.urlsafe_b64decode(token))
        version, after = int(read["version"]), str(read["after"])
    except (ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid") from None
    if version < store.oldest:
        raise expired("The provided continue parameter is too old to display a consistent list result.")
    return after


def remove(store: Store, target: Target, options: Object, settle: Callable[[], None]) -> Object:
    """Delete one object: a Status if that is done at once, else the object as it is now."""
    found, resource = find(store, target), target.resource
    _check_identity(target, found, options.get("preconditions") or {})
    policy = _policy(options)
    if "deletionTimestamp" in found["metadata"] and policy == "Background" and not _ends_now(options):
        return shown(target, found)
    left = delete(store, resource, found, policy, options.get("gracePeriodSeconds"))
    settle()
    if left is not None:
        return shown(target, left)
    if resource is PODS:
        return shown(target, found)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": target.name, "group": resource.group, "kind": resource.plural,
                        "uid": found["metadata"]["uid"]}}


def _ends_now(options: Object) -> bool:
    return options.get("gracePeriodSeconds") == 0


def _policy(options: Object) -> str:
    if options.get("orphanDependents") is not None:
        return "Orphan" if options["orphanDependents"] else "Background"
    policy = options.get("propagationPolicy") or "Background"
    if policy not in ("Background", "Foreground", "Orphan"):
        raise invalid("DeleteOptions", "meta.k8s.io", "", [cause(
            "FieldValueNotSupported", "propagationPolicy", f'Unsupported value: "{policy}": supported values: '
            '"Background", "Foreground", "Orphan"')])
    return str(policy)


def remove_all(store: Store, target: Target, selection: Selection, options: Object,
               settle: Callable[[], None]) -> Object:
    """Delete all that are selected; the answer is the list of them."""
    answer = list_objects(store, target, selection, {})
    for found in store.objects(selection.resource, selection.namespace):
        if selection.has(found):
            delete(store, selection.resource, found, _policy(options), options.get("gracePeriodSeconds"))
    settle()
    return answer
