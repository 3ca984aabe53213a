"""The resources that the fake knows, and what a path names."""
from dataclasses import dataclass
from typing import Any

from tests.kubernetes.fake.errors import ApiError

Object = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource: its group, the versions it is served in (the first is the one that is stored), its names.

    `model` is the name of the client's class for it, by which bodies are decoded, without the version in front.
    """

    plural: str
    kind: str
    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    subresources: tuple[str, ...] = ()
    namespaced: bool = True
    model: str | None = None

    @property
    def api_version(self) -> str:
        """What objects of it have as apiVersion where it is not told otherwise."""
        return self.versioned(self.versions[0])

    @property
    def has_status(self) -> bool:
        """Whether its status is written through a subresource only."""
        return "status" in self.subresources

    @property
    def counts_generations(self) -> bool:
        """Whether a change of its specification gives it a new generation."""
        return self.group == "apps"

    def versioned(self, version: str) -> str:
        """The apiVersion in that version."""
        return f"{self.group}/{version}" if self.group else version

    def model_name(self, version: str) -> str:
        """The client's class for it in that version."""
        return self.model or f"{version.upper()}{self.kind}"


NAMESPACES = Resource("namespaces", "Namespace", subresources=("status",), namespaced=False)
PODS = Resource("pods", "Pod", subresources=("status", "log", "binding"))
CONFIG_MAPS = Resource("configmaps", "ConfigMap")
SECRETS = Resource("secrets", "Secret")
EVENTS = Resource("events", "Event", model="CoreV1Event")
CLAIMS = Resource("persistentvolumeclaims", "PersistentVolumeClaim", subresources=("status",))
DEPLOYMENTS = Resource("deployments", "Deployment", "apps", subresources=("status", "scale"))
REPLICA_SETS = Resource("replicasets", "ReplicaSet", "apps", subresources=("status", "scale"))
AUTOSCALERS = Resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", ("v1", "v2"),
                       ("status",))

RESOURCES = (NAMESPACES, PODS, CONFIG_MAPS, SECRETS, EVENTS, CLAIMS, DEPLOYMENTS, REPLICA_SETS, AUTOSCALERS)
ACCESS_REVIEWS = Resource("selfsubjectaccessreviews", "SelfSubjectAccessReview", "authorization.k8s.io",
                          namespaced=False)


@dataclass(frozen=True)
class Target:
    """What a path names: a resource in a version, perhaps within a namespace, perhaps one object or a part of it."""

    resource: Resource
    version: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse_path(path: str) -> Target:
    """What the path names; raises the plain 404 of the API server if that is nothing it knows."""
    parts = path.strip("/").split("/")
    if parts[:1] == ["api"]:
        group, version, rest = "", parts[1] if len(parts) > 1 else "", parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 2:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise page_not_found()
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in NAMESPACES.subresources:
        namespace, rest = rest[1], rest[2:]
    return _target(group, version, namespace, rest)


def _target(group: str, version: str, namespace: str, rest: list[str]) -> Target:
    if not 1 <= len(rest) <= 3:
        raise page_not_found()
    plural, name, subresource = (*rest, "", "")[:3]
    for resource in (*RESOURCES, ACCESS_REVIEWS):
        if (resource.plural, resource.group) == (plural, group) and version in resource.versions:
            break
    else:
        raise page_not_found()
    if (subresource and subresource not in resource.subresources) or (namespace and not resource.namespaced):
        raise page_not_found()
    return Target(resource, version, namespace, name, subresource)


def page_not_found() -> ApiError:
    """What is answered for a path that nothing is at."""
    return ApiError(404, "NotFound", "404 page not found")


def resource_of(api_version: str, kind: str) -> Resource | None:
    """The resource that an owner reference means, or None if the fake knows none such."""
    for resource in RESOURCES:
        if resource.kind == kind and api_version in {resource.versioned(version) for version in resource.versions}:
            return resource
    return None
