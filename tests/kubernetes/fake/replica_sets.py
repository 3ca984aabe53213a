"""The ReplicaSet controller: as many pods as asked for."""
import copy

from tests.kubernetes.fake.defaults import fill_in
from tests.kubernetes.fake.deletion import delete
from tests.kubernetes.fake.deployments import set_condition
from tests.kubernetes.fake.happenings import made_up_name, tell
from tests.kubernetes.fake.resources import PODS, REPLICA_SETS, Object
from tests.kubernetes.fake.store import Store


def reconcile_replica_set(store: Store, replica_set: Object, refusal: str | None) -> None:
    """Have as many pods as it wants. With a `refusal` none can be made, and it is the reason that is told."""
    active = _active_pods(store, replica_set)
    missing = replica_set["spec"]["replicas"] - len(active)
    failed = missing > 0 and refusal is not None
    if missing > 0 and not failed:
        for _ in range(missing):
            _make_pod(store, replica_set)
    for pod in _first_to_go(active)[:max(0, -missing)]:
        delete(store, PODS, pod)
        tell(store, REPLICA_SETS, replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
    _update_status(store, replica_set, refusal if failed else None)


def is_ready(pod: Object) -> bool:
    """Whether the pod's status says that it is ready."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _active_pods(store: Store, replica_set: Object) -> list[Object]:
    return [pod for resource, pod in store.dependents(replica_set)
            if resource is PODS and "deletionTimestamp" not in pod["metadata"]
            and pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")]


def _make_pod(store: Store, replica_set: Object) -> None:
    template, name = replica_set["spec"]["template"], replica_set["metadata"]["name"]
    prefix = f"{name}-"
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": replica_set["metadata"]["uid"],
             "controller": True, "blockOwnerDeletion": True}
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {**copy.deepcopy(template["metadata"]), "generateName": prefix, "name": made_up_name(prefix),
                        "namespace": replica_set["metadata"]["namespace"], "ownerReferences": [owner]},
           "spec": copy.deepcopy(template["spec"])}
    fill_in(PODS, pod)
    store.add(PODS, {**pod, "status": first_status(pod["spec"])})
    tell(store, REPLICA_SETS, replica_set, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")


def first_status(spec: Object) -> Object:
    """The status of a pod that nobody has looked at."""
    return {"phase": "Pending", "qosClass": _quality(spec)}


def _quality(spec: Object) -> str:
    resources = [container.get("resources") or {} for container in spec.get("containers") or []]
    if not any(each.get("limits") or each.get("requests") for each in resources):
        return "BestEffort"
    guaranteed = all({"cpu", "memory"} <= set(each.get("limits") or {}) and each["limits"] == each.get("requests")
                     for each in resources)
    return "Guaranteed" if guaranteed else "Burstable"


def _first_to_go(pods: list[Object]) -> list[Object]:
    """In the order in which the real controller takes them: those that do least, and of them the youngest."""
    return sorted(pods, key=lambda pod: (
        bool(pod["spec"].get("nodeName")), pod["status"].get("phase") == "Running", is_ready(pod),
        -int(pod["metadata"]["creationTimestamp"].translate(str.maketrans("", "", "-:TZ")))))


def _update_status(store: Store, replica_set: Object, refusal: str | None) -> None:
    current = store.get(REPLICA_SETS, replica_set["metadata"]["namespace"], replica_set["metadata"]["name"])
    assert current is not None
    pods = _active_pods(store, current)
    ready = sum(map(is_ready, pods))
    conditions = [each for each in copy.deepcopy(current["status"].get("conditions", []))
                  if refusal or each["type"] != "ReplicaFailure"]
    if refusal and not conditions:
        set_condition(conditions, "ReplicaFailure", "True", "FailedCreate", refusal)
        if not any(each["type"] == "ReplicaFailure" for each in current["status"].get("conditions", [])):
            tell(store, REPLICA_SETS, current, "FailedCreate", f"Error creating: {refusal}", "Warning")
    status = {"replicas": len(pods), "fullyLabeledReplicas": len(pods), "readyReplicas": ready,
              "availableReplicas": ready, "observedGeneration": current["metadata"]["generation"],
              "conditions": conditions}
    kept = {key: value for key, value in status.items() if value or key == "replicas"}
    store.update(REPLICA_SETS, {**current, "status": kept})
