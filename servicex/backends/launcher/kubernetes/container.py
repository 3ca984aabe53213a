"""What containers of both layouts have in common."""
from typing import Any

from servicex.backends.launcher.kubernetes.options import ClusterOptions, Resources


def plain(values: dict[str, str]) -> list[dict[str, Any]]:
    """Environment variables with these values."""
    return [{"name": name, "value": value} for name, value in values.items()]


def place_environment() -> list[dict[str, Any]]:
    """Where the pod runs, for its reports."""
    return [_of_the_pod("POD_NAME", "metadata.name"), _of_the_pod("HOST_NAME", "spec.nodeName")]


def common_environment(options: ClusterOptions) -> list[dict[str, Any]]:
    """Where the pod runs, for whom, and where its logs go."""
    return [*place_environment(), *plain({"INSTANCE_NAME": options.instance, **options.log_environment})]


def resources(wanted: Resources) -> dict[str, Any]:
    """The bounds of a container; what has none is left out, for the cluster's own defaults."""
    limits = {"cpu": wanted.cpu_limit, "memory": wanted.memory_limit}
    requests = {"cpu": wanted.cpu_request, "memory": wanted.memory_request}
    return {name: given for name, bounds in (("limits", limits), ("requests", requests))
            if (given := {resource: amount for resource, amount in bounds.items() if amount})}


def _of_the_pod(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
