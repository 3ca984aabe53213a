"""The rules that objects are held to. Each breach is a cause of the answer 422."""
import json
from collections.abc import Callable, Iterator

from tests.kubernetes.fake import names
from tests.kubernetes.fake.errors import Cause, invalid
from tests.kubernetes.fake.pod_validation import cause, validate_pod
from tests.kubernetes.fake.resources import (AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS,
                                             SECRETS, Object, Resource)
from tests.kubernetes.fake.selectors import selects

MIB = 1024 * 1024
ANNOTATIONS_BYTES = 256 * 1024


def validate(resource: Resource, new: Object, before: Object | None = None) -> None:
    """Raise ApiError 422 if the object may not be created, or may not take the place of `before`."""
    causes = list(_metadata(resource, new))
    if check := _CHECKS.get(resource):
        causes += check(new)
    if before is not None:
        causes += _update(resource, new, before)
    if causes:
        raise invalid(resource.kind, resource.group, new["metadata"].get("name", ""), causes)


def _metadata(resource: Resource, new: Object) -> Iterator[Cause]:
    metadata = new["metadata"]
    name_problem = names.dns_label_problem if resource is NAMESPACES else names.subdomain_problem
    if not metadata.get("name"):
        yield cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
    elif problem := name_problem(metadata["name"]):
        yield cause("FieldValueInvalid", "metadata.name", f'Invalid value: "{metadata["name"]}": {problem}')
    yield from labels_causes(metadata.get("labels"), "metadata.labels")
    yield from _annotations(metadata.get("annotations") or {})
    for owner in metadata.get("ownerReferences") or []:
        for field, path in (("apiVersion", "version"), ("kind", "kind"), ("name", "name"), ("uid", "uid")):
            if not owner.get(field):
                yield cause("FieldValueInvalid", f"metadata.ownerReferences.{path}",
                            f'Invalid value: "": {field} must not be empty')


def labels_causes(labels: dict[str, str] | None, path: str) -> Iterator[Cause]:
    """What is wrong with labels."""
    for key, value in (labels or {}).items():
        if problem := names.label_problem(key):
            yield cause("FieldValueInvalid", path, f'Invalid value: "{key}": {problem}')
        if problem := names.label_value_problem(value):
            yield cause("FieldValueInvalid", path, f'Invalid value: "{value}": {problem}')


def _annotations(annotations: dict[str, str]) -> Iterator[Cause]:
    for key in annotations:
        if problem := names.label_problem(key.lower()):
            yield cause("FieldValueInvalid", "metadata.annotations", f'Invalid value: "{key}": {problem}')
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_BYTES:
        yield cause("FieldValueTooLong", "metadata.annotations",
                    f"Too long: must have at most {ANNOTATIONS_BYTES} bytes")


def _replicated(new: Object) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if spec.get("replicas", 1) < 0:
        yield cause("FieldValueInvalid", "spec.replicas",
                    f"Invalid value: {spec['replicas']}: must be greater than or equal to 0")
    selector = spec.get("selector")
    if selector is None:
        yield cause("FieldValueRequired", "spec.selector", "Required value")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield cause("FieldValueInvalid", "spec.selector",
                    "Invalid value: empty selector is invalid for deployment")
    if selector is None or not selects(selector, labels):
        yield cause("FieldValueInvalid", "spec.template.metadata.labels",
                    f"Invalid value: {json.dumps(labels)}: `selector` does not match template `labels`")
    yield from labels_causes(labels, "spec.template.labels")
    yield from validate_pod(((spec.get("template") or {}).get("spec")) or {}, "spec.template.spec", always=True)


def _deployment(new: Object) -> Iterator[Cause]:
    yield from _replicated(new)
    spec = new.get("spec") or {}
    for field in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        if spec.get(field, 1) < 0:
            yield cause("FieldValueInvalid", f"spec.{field}",
                        f"Invalid value: {spec[field]}: must be greater than or equal to 0")
    if spec.get("progressDeadlineSeconds", 600) <= spec.get("minReadySeconds", 0):
        yield cause("FieldValueInvalid", "spec.progressDeadlineSeconds",
                    f"Invalid value: {spec['progressDeadlineSeconds']}: must be greater than minReadySeconds")


def _pod(new: Object) -> Iterator[Cause]:
    yield from validate_pod(new.get("spec") or {}, "spec", always=False)


def _contents(*fields: str) -> Callable[[Object], Iterator[Cause]]:
    """The check of a ConfigMap or Secret, whose data are in those fields."""
    def check(new: Object) -> Iterator[Cause]:
        size = 0
        for field in fields:
            for key, value in (new.get(field) or {}).items():
                size += len(value.encode())
                if problem := names.key_problem(key):
                    yield cause("FieldValueInvalid", f"{field}[{key}]", f'Invalid value: "{key}": {problem}')
        if size > MIB:
            yield cause("FieldValueTooLong", "[]" if "binaryData" in fields else "data",
                        f"Too long: must have at most {MIB} bytes")
    return check


def _autoscaler(new: Object) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    if spec.get("maxReplicas", 0) < 1:
        yield cause("FieldValueInvalid", "spec.maxReplicas",
                    f"Invalid value: {spec.get('maxReplicas', 0)}: must be greater than 0")
    if spec.get("maxReplicas", 0) < spec.get("minReplicas", 1):
        yield cause("FieldValueInvalid", "spec.maxReplicas",
                    f"Invalid value: {spec.get('maxReplicas', 0)}: must be greater than or equal to `minReplicas`")
    for field in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(field):
            yield cause("FieldValueRequired", f"spec.scaleTargetRef.{field}", "Required value")


def _update(resource: Resource, new: Object, before: Object) -> Iterator[Cause]:
    for field in ("uid", "name", "namespace"):
        if new["metadata"].get(field) != before["metadata"].get(field):
            yield cause("FieldValueInvalid", f"metadata.{field}", "Invalid value: field is immutable")
    if resource in (DEPLOYMENTS, REPLICA_SETS) and new["spec"].get("selector") != before["spec"].get("selector"):
        yield cause("FieldValueInvalid", "spec.selector", "Invalid value: field is immutable")
    if resource is PODS and _without_images(new["spec"]) != _without_images(before["spec"]):
        yield cause("FieldValueForbidden", "spec", "Forbidden: pod updates may not change fields other than images")
    if before.get("immutable") and any(new.get(key) != before.get(key) for key in ("data", "binaryData", "immutable")):
        yield cause("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set")


def _without_images(spec: Object) -> Object:
    containers = [{**container, "image": ""} for container in spec.get("containers") or []]
    return {**spec, "containers": containers, "activeDeadlineSeconds": None}


_CHECKS = {DEPLOYMENTS: _deployment, REPLICA_SETS: _replicated, PODS: _pod, AUTOSCALERS: _autoscaler,
           CONFIG_MAPS: _contents("data", "binaryData"), SECRETS: _contents("data")}
