"""The rules for the specification of a pod."""
from collections.abc import Iterator

from tests.kubernetes.fake import names
from tests.kubernetes.fake.errors import Cause
from tests.kubernetes.fake.resources import Object


def cause(reason: str, field: str, message: str) -> Cause:
    """One breach of a rule."""
    return {"reason": reason, "message": message, "field": field}


def validate_pod(spec: Object, path: str, always: bool) -> Iterator[Cause]:
    """What is wrong with it; `always` tells that its containers must be restarted always, as those of a Deployment."""
    yield from _volumes(spec.get("volumes") or [], f"{path}.volumes")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    if not spec.get("containers"):
        yield cause("FieldValueRequired", f"{path}.containers", "Required value")
    seen: set[str] = set()
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field) or []):
            yield from _container(container, f"{path}.{field}[{number}]", volumes, seen)
    policies = ["Always"] if always else ["Always", "OnFailure", "Never"]
    if spec.get("restartPolicy", "Always") not in policies:
        yield _not_supported(f"{path}.restartPolicy", spec["restartPolicy"], policies)
    yield from _numbers(spec, path)


def _numbers(spec: Object, path: str) -> Iterator[Cause]:
    context = spec.get("securityContext") or {}
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        if context.get(field, 0) < 0:
            yield _invalid(f"{path}.securityContext.{field}", context[field], "must be between 0 and 2147483647")
    if spec.get("activeDeadlineSeconds", 1) < 1:
        yield _invalid(f"{path}.activeDeadlineSeconds", spec["activeDeadlineSeconds"],
                       "must be between 1 and 2147483647")


def _volumes(volumes: list[Object], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for number, volume in enumerate(volumes):
        where, name = f"{path}[{number}]", volume.get("name", "")
        yield from _name(name, f"{where}.name", seen)
        sources = [key for key in volume if key != "name"]
        if not sources:
            yield cause("FieldValueRequired", where, "Required value: must specify a volume type")
        for extra in sources[1:]:
            yield cause("FieldValueForbidden", f"{where}.{extra}", "Forbidden: may not specify more than 1 volume type")
        yield from _source(volume, where)


def _source(volume: Object, where: str) -> Iterator[Cause]:
    for source, field in (("configMap", "name"), ("secret", "secretName"), ("persistentVolumeClaim", "claimName"),
                          ("hostPath", "path")):
        if source in volume and not volume[source].get(field):
            yield cause("FieldValueRequired", f"{where}.{source}.{field}", "Required value")


def _container(container: Object, path: str, volumes: set[str | None], seen: set[str]) -> Iterator[Cause]:
    yield from _name(container.get("name", ""), f"{path}.name", seen)
    image = container.get("image", "")
    if not image:
        yield cause("FieldValueRequired", f"{path}.image", "Required value")
    elif image != image.strip():
        yield _invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    policies = ["Always", "IfNotPresent", "Never"]
    if container.get("imagePullPolicy", "Always") not in policies:
        yield _not_supported(f"{path}.imagePullPolicy", container["imagePullPolicy"], policies)
    yield from _environment(container.get("env") or [], f"{path}.env")
    yield from _mounts(container.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    yield from _resources(container.get("resources") or {}, f"{path}.resources")
    if (container.get("securityContext") or {}).get("runAsUser", 0) < 0:
        yield _invalid(f"{path}.securityContext.runAsUser", container["securityContext"]["runAsUser"],
                       "must be between 0 and 2147483647")


def _name(name: str, path: str, seen: set[str]) -> Iterator[Cause]:
    if not name:
        yield cause("FieldValueRequired", path, "Required value")
    elif problem := names.dns_label_problem(name):
        yield _invalid(path, name, problem)
    elif name in seen:
        yield cause("FieldValueDuplicate", path, f'Duplicate value: "{name}"')
    seen.add(name)


def _environment(variables: list[Object], path: str) -> Iterator[Cause]:
    for number, variable in enumerate(variables):
        name = variable.get("name", "")
        if not name:
            yield cause("FieldValueRequired", f"{path}[{number}].name", "Required value")
        elif problem := names.variable_problem(name):
            yield _invalid(f"{path}[{number}].name", name, problem)
        if variable.get("value") and variable.get("valueFrom"):
            yield _invalid(f"{path}[{number}].valueFrom", "", "may not be specified when `value` is not empty")


def _mounts(mounts: list[Object], path: str, volumes: set[str | None]) -> Iterator[Cause]:
    seen = set()
    for number, mount in enumerate(mounts):
        where, folder = f"{path}[{number}]", mount.get("mountPath", "")
        if not mount.get("name"):
            yield cause("FieldValueRequired", f"{where}.name", "Required value")
        if mount.get("name") not in volumes:
            yield cause("FieldValueNotFound", f"{where}.name", f'Not found: "{mount.get("name", "")}"')
        if not folder:
            yield cause("FieldValueRequired", f"{where}.mountPath", "Required value")
        elif folder in seen:
            yield _invalid(f"{where}.mountPath", folder, "must be unique")
        seen.add(folder)


def _resources(resources: Object, path: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            number = names.quantity(amount)
            if number is not None and number < 0:
                yield _invalid(f"{path}.{field}[{name}]", amount, "must be greater than or equal to 0")
            if name not in ("cpu", "memory", "ephemeral-storage") and "/" not in name and not name.startswith("huge"):
                yield _invalid(f"{path}.{field}[{name}]", name, "must be a standard resource for containers")
    for name in set(limits) & set(requests):
        if (names.quantity(requests[name]) or 0) > (names.quantity(limits[name]) or 0):
            yield _invalid(f"{path}.requests", requests[name], f"must be less than or equal to {name} limit")


def _invalid(field: str, value: object, why: str) -> Cause:
    return cause("FieldValueInvalid", field, f'Invalid value: "{value}": {why}')


def _not_supported(field: str, value: str, supported: list[str]) -> Cause:
    told = ", ".join(f'"{each}"' for each in supported)
    return cause("FieldValueNotSupported", field, f'Unsupported value: "{value}": supported values: {told}')
