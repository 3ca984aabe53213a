"""What the API server fills in where an object says nothing."""
from typing import Any

from tests.kubernetes.fake.resources import AUTOSCALERS, DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS, Object, Resource

_CONTAINER: Object = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_POD: Object = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
                "schedulerName": "default-scheduler"}
_DEPLOYMENT: Object = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_ROLLING: Object = {"maxUnavailable": "25%", "maxSurge": "25%"}
_MODE = 0o644


def fill_in(resource: Resource, new: Object) -> None:
    """Fill in the defaults of an object of that resource, in place."""
    spec = new.get("spec")
    if resource is NAMESPACES:
        new["status"] = new.get("status") or {"phase": "Active"}
    if spec is None:
        return
    if resource is DEPLOYMENTS:
        _fill(spec, _DEPLOYMENT)
        strategy = spec.setdefault("strategy", {})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            _fill(strategy.setdefault("rollingUpdate", {}), _ROLLING)
    if resource is REPLICA_SETS:
        _fill(spec, {"replicas": 1})
    if resource in (DEPLOYMENTS, REPLICA_SETS):
        template = spec.setdefault("template", {})
        template.setdefault("metadata", {})
        fill_in_pod(template.setdefault("spec", {}))
    if resource is PODS:
        fill_in_pod(spec)
        _request_limits(spec)
    if resource is AUTOSCALERS:
        _fill(spec, {"minReplicas": 1})


def _request_limits(spec: Object) -> None:
    """What is not asked for is asked for up to its limit. Templates stay as they are."""
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        resources = container["resources"]
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}


def fill_in_pod(spec: Object) -> None:
    """Fill in the defaults of the specification of a pod, in place."""
    _fill(spec, _POD)
    spec.setdefault("securityContext", {})
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        _fill_in_container(container)
    for volume in spec.get("volumes") or []:
        _fill_in_volume(volume)


def _fill_in_container(container: Object) -> None:
    _fill(container, _CONTAINER)
    container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    container.setdefault("resources", {})
    for variable in container.get("env") or []:
        if field := (variable.get("valueFrom") or {}).get("fieldRef"):
            field.setdefault("apiVersion", "v1")
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")


def _fill_in_volume(volume: Object) -> None:
    if list(volume) == ["name"]:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected"):
        if source in volume:
            volume[source].setdefault("defaultMode", _MODE)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")


def _pull_policy(image: str) -> str:
    name = image.rsplit("/", 1)[-1]
    newest = "@" not in name and (":" not in name or name.endswith(":latest"))
    return "Always" if newest else "IfNotPresent"


def _fill(target: Object, defaults: dict[str, Any]) -> None:
    for key, value in defaults.items():
        target.setdefault(key, value)
