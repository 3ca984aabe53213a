"""The Deployment controller: replica sets for Deployments, and what their status says.

A new template takes the place of the old one at once, without the overlap of a rolling update.
"""
import copy
import hashlib
import json
import math
from datetime import datetime, timezone
from typing import Any

from tests.kubernetes.fake.happenings import tell
from tests.kubernetes.fake.resources import DEPLOYMENTS, REPLICA_SETS, Object
from tests.kubernetes.fake.store import Store, now

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def reconcile_deployment(store: Store, deployment: Object) -> None:
    """Have its replica sets be as it wants them, and tell how it stands."""
    name = f'{deployment["metadata"]["name"]}-{_template_hash(deployment["spec"]["template"])}'
    mine = _replica_sets(store, deployment)
    current = next((each for each in mine if each["metadata"]["name"] == name), None)
    made = current is None
    if current is None:
        current = _make_replica_set(store, deployment, name)
    for replica_set in mine:
        if replica_set["metadata"]["name"] != name:
            _scale(store, deployment, replica_set, 0)
    _scale(store, deployment, current, deployment["spec"]["replicas"])
    _update_status(store, deployment, name, made)


def set_condition(conditions: list[Object], kind: str, status: str, reason: str, message: str) -> None:
    """Set a condition in the list; its times stay if its status and reason do."""
    known = next((each for each in conditions if each["type"] == kind), None)
    if known and (known["status"], known["reason"], known["message"]) == (status, reason, message):
        return
    turned = known["lastTransitionTime"] if known and known["status"] == status else now()
    fresh = {"type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now(),
             "lastTransitionTime": turned}
    conditions[:] = [each for each in conditions if each is not known] + [fresh]


def _replica_sets(store: Store, deployment: Object) -> list[Object]:
    return [each for resource, each in store.dependents(deployment) if resource is REPLICA_SETS]


def _make_replica_set(store: Store, deployment: Object, name: str) -> Object:
    orphan = store.get(REPLICA_SETS, deployment["metadata"]["namespace"], name)
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"],
             "uid": deployment["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}
    if orphan is not None:
        adopted = copy.deepcopy(orphan)
        adopted["metadata"]["ownerReferences"] = [owner]
        return store.update(REPLICA_SETS, adopted)
    spec, hash_label = deployment["spec"], {"pod-template-hash": name.rsplit("-", 1)[1]}
    template, selector = copy.deepcopy(spec["template"]), copy.deepcopy(spec["selector"])
    template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), **hash_label}
    selector["matchLabels"] = {**selector.get("matchLabels", {}), **hash_label}
    made = store.add(REPLICA_SETS, {
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": deployment["metadata"]["namespace"], "ownerReferences": [owner],
                     "labels": template["metadata"]["labels"]},
        "spec": {"replicas": spec["replicas"], "selector": selector, "template": template},
        "status": {"replicas": 0}})
    if spec["replicas"]:
        tell(store, DEPLOYMENTS, deployment, "ScalingReplicaSet", f"Scaled up replica set {name} to {spec['replicas']}")
    return made


def _scale(store: Store, deployment: Object, replica_set: Object, wanted: int) -> None:
    had = replica_set["spec"]["replicas"]
    if had == wanted:
        return
    scaled = copy.deepcopy(replica_set)
    scaled["spec"]["replicas"] = wanted
    store.update(REPLICA_SETS, scaled)
    tell(store, DEPLOYMENTS, deployment, "ScalingReplicaSet",
         f"Scaled {'up' if wanted > had else 'down'} replica set {scaled['metadata']['name']} to {wanted}")


def _update_status(store: Store, deployment: Object, name: str, made: bool) -> None:
    mine = _replica_sets(store, deployment)
    current = next(each for each in mine if each["metadata"]["name"] == name)
    before = deployment.get("status", {})
    counts = {"replicas": _sum(mine, "replicas"), "updatedReplicas": current["status"].get("replicas", 0),
              "readyReplicas": _sum(mine, "readyReplicas"), "availableReplicas": _sum(mine, "availableReplicas")}
    wanted = sum(each["spec"]["replicas"] for each in mine)
    counts["unavailableReplicas"] = max(0, wanted - counts["availableReplicas"])
    conditions = copy.deepcopy(before.get("conditions", []))
    _set_available(conditions, deployment["spec"], counts["availableReplicas"])
    _set_progressing(conditions, deployment, counts, name, made)
    _set_failure(conditions, current)
    status = {"observedGeneration": deployment["metadata"]["generation"], "conditions": conditions,
              **{key: value for key, value in counts.items() if value}}
    store.update(DEPLOYMENTS, {**deployment, "status": status})


def _set_available(conditions: list[Object], spec: Object, available: int) -> None:
    if available >= spec["replicas"] - _max_unavailable(spec):
        set_condition(conditions, "Available", "True", "MinimumReplicasAvailable",
                      "Deployment has minimum availability.")
    else:
        set_condition(conditions, "Available", "False", "MinimumReplicasUnavailable",
                      "Deployment does not have minimum availability.")


def _set_progressing(conditions: list[Object], deployment: Object, counts: dict[str, int], name: str,
                     made: bool) -> None:
    if made:
        set_condition(conditions, "Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        return
    known = next((each for each in conditions if each["type"] == "Progressing"), None)
    before, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    settled = counts["updatedReplicas"] == counts["replicas"]
    if known and known["reason"] == "NewReplicaSetAvailable" and settled:
        return
    if settled and counts["replicas"] == counts["availableReplicas"] == wanted:
        set_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable",
                      f'ReplicaSet "{name}" has successfully progressed.')
    elif any(counts[key] > before.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "availableReplicas")):
        set_condition(conditions, "Progressing", "True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    elif known and _age(known["lastUpdateTime"]) > deployment["spec"]["progressDeadlineSeconds"]:
        set_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded",
                      f'ReplicaSet "{name}" has timed out progressing.')


def _set_failure(conditions: list[Object], replica_set: Object) -> None:
    failure = next((each for each in replica_set["status"].get("conditions", [])
                    if each["type"] == "ReplicaFailure"), None)
    if failure is None:
        conditions[:] = [each for each in conditions if each["type"] != "ReplicaFailure"]
    else:
        set_condition(conditions, "ReplicaFailure", failure["status"], failure["reason"], failure["message"])


def _max_unavailable(spec: Object) -> int:
    """How many replicas may be missing. All at once with the strategy Recreate counts as none, as on the real one."""
    value = (spec["strategy"].get("rollingUpdate") or {}).get("maxUnavailable", 0)
    if isinstance(value, str):
        value = math.floor(int(value.rstrip("%")) * spec["replicas"] / 100)
    return min(int(value), int(spec["replicas"]))


def _sum(replica_sets: list[Object], field: str) -> int:
    return sum(each["status"].get(field, 0) for each in replica_sets)


def _age(stamp: str) -> float:
    made = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return (datetime.now(timezone.utc) - made).total_seconds()


def _template_hash(template: Any) -> str:
    number = int.from_bytes(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()[:8], "big")
    letters = []
    for _ in range(10):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)
