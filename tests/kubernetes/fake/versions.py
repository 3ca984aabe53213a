"""Objects that are served in several versions. Only autoscalers are: they are kept as autoscaling/v1 tells them."""
import copy

from tests.kubernetes.fake.resources import AUTOSCALERS, Object, Target

_PERCENT = "targetCPUUtilizationPercentage"


def shown(target: Target, found: Object) -> Object:
    """The object in the version of the target."""
    made = {**found, "apiVersion": target.resource.versioned(target.version)}
    if target.resource is not AUTOSCALERS or target.version == "v1":
        return made
    made = copy.deepcopy(made)
    percent = made["spec"].pop(_PERCENT, None)
    if percent is not None:
        made["spec"]["metrics"] = [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}]
    return made


def stored(target: Target, body: Object) -> Object:
    """The body as it is kept. Of the metrics of autoscaling/v2 only the load of the CPU is."""
    body = {**body, "apiVersion": target.resource.api_version}
    if target.resource is not AUTOSCALERS or target.version == "v1" or "spec" not in body:
        return body
    spec = {key: value for key, value in body["spec"].items() if key not in ("metrics", "behavior")}
    for metric in body["spec"].get("metrics", []):
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            spec[_PERCENT] = resource.get("target", {}).get("averageUtilization")
    return {**body, "spec": spec}
