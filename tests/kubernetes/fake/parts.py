"""Parts of objects with an answer of their own: the scale of a Deployment, the log of a pod, its binding to a node."""
import copy
from typing import Any

from tests.kubernetes.fake.decoding import decode_as
from tests.kubernetes.fake.errors import ApiError, bad_request, conflict, invalid
from tests.kubernetes.fake.patches import patched
from tests.kubernetes.fake.pod_validation import cause
from tests.kubernetes.fake.queries import Query, is_true, whole_number
from tests.kubernetes.fake.resources import PODS, Object, Target
from tests.kubernetes.fake.selectors import as_text
from tests.kubernetes.fake.store import Store, now
from tests.kubernetes.fake.verbs import find

# The log of a container, by namespace, pod, container, and whether it is that of the one before.
Logs = dict[tuple[str, str, str, bool], str]


def scale_of(found: Object) -> Object:
    """The scale of an object with replicas."""
    metadata, spec = found["metadata"], found["spec"]
    kept = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept,
            "spec": {"replicas": spec["replicas"]} if spec["replicas"] else {},
            "status": {"replicas": found.get("status", {}).get("replicas", 0), "selector": as_text(spec["selector"])}}


def replace_scale(store: Store, target: Target, body: Any) -> Object:
    """Set the replicas of an object by its scale."""
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    scale, found = decode_as("V1Scale", body, "Scale"), find(store, target)
    claimed = scale.get("metadata", {}).get("resourceVersion") or found["metadata"]["resourceVersion"]
    if claimed != found["metadata"]["resourceVersion"]:
        raise conflict(target.resource.plural, target.resource.group, target.name,
                       "the object has been modified; please apply your changes to the latest version and try again")
    replicas = scale.get("spec", {}).get("replicas", 0)
    if replicas < 0:
        raise invalid("Scale", "autoscaling", target.name, [cause(
            "FieldValueInvalid", "spec.replicas", f"Invalid value: {replicas}: must be greater than or equal to 0")])
    scaled = copy.deepcopy(found)
    scaled["spec"]["replicas"] = replicas
    return scale_of(store.update(target.resource, scaled))


def patch_scale(store: Store, target: Target, body: Any, content_type: str) -> Object:
    """Patch the scale of an object."""
    return replace_scale(store, target, patched(scale_of(find(store, target)), body, content_type))


def bind(store: Store, target: Target, body: Any) -> Object:
    """Put a pod on a node, as the scheduler does."""
    pod = copy.deepcopy(find(store, target))
    if pod["spec"].get("nodeName"):
        raise conflict("pods/binding", "", target.name, f"pod {target.name} is already assigned to node "
                       f'"{pod["spec"]["nodeName"]}"')
    pod["spec"]["nodeName"] = (body or {}).get("target", {}).get("name", "")
    pod["status"].setdefault("conditions", []).append(
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now()})
    store.update(PODS, pod)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def log_of(store: Store, target: Target, logs: Logs, query: Query) -> str:
    """What a container has printed; raises ApiError 400 where there is nothing yet or it is not clear of which."""
    pod = find(store, target)
    name = query.get("container") or _only_container(pod)
    if name not in _containers(pod):
        raise bad_request(f"container {name} is not valid for pod {target.name}")
    lines = _line_count(query)
    if not pod["spec"].get("nodeName"):
        return ""
    previous = is_true(query, "previous")
    text = logs.get((target.namespace, target.name, name, previous))
    if text is None:
        _explain_absence(pod, name, previous)
        return ""
    kept = text.splitlines(keepends=True)
    return "".join(kept[len(kept) - lines if lines < len(kept) else 0:]) if lines is not None else text


def _containers(pod: Object) -> list[str]:
    return [each["name"] for field in ("containers", "initContainers") for each in pod["spec"].get(field) or []]


def _only_container(pod: Object) -> str:
    names = [each["name"] for each in pod["spec"]["containers"]]
    if len(names) > 1:
        raise bad_request(f"a container name must be specified for pod {pod['metadata']['name']}, choose one of: "
                          f"[{' '.join(names)}]")
    return str(names[0])


def _line_count(query: Query) -> int | None:
    if "tailLines" not in query:
        return None
    lines = whole_number(query, "tailLines")
    if lines < 0:
        raise invalid("PodLogOptions", "", "", [cause(
            "FieldValueInvalid", "tailLines", f"Invalid value: {lines}: must be greater than or equal to 0")])
    return lines


def _explain_absence(pod: Object, name: str, previous: bool) -> None:
    statuses = pod.get("status", {}).get("containerStatuses") or []
    waiting = next((each.get("state", {}).get("waiting") for each in statuses if each["name"] == name), None)
    where = f'container "{name}" in pod "{pod["metadata"]["name"]}"'
    if previous:
        raise ApiError(400, "BadRequest", f"previous terminated {where} not found")
    if waiting:
        raise bad_request(f"{where} is waiting to start: {waiting.get('reason', 'ContainerCreating')}")
