"""Objects for the tests, and where they are."""
from typing import Any

Object = dict[str, Any]


def deployment(name: str = "workers", replicas: int = 1, **spec: Any) -> Object:
    """A Deployment of pods with two containers, labelled with `app` and its name."""
    labels = {"app": name}
    containers = [{"name": "sidecar", "image": "example/sidecar:1"}, {"name": "science", "image": "example/science:1"}]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"mine": "yes"}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}, **spec}}


def with_pod(**changes: Any) -> Object:
    """A Deployment whose pods have a specification with those changes."""
    body = deployment()
    body["spec"]["template"]["spec"].update(changes)
    return body


def with_container(**changes: Any) -> Object:
    """A Deployment whose pods have one container with those changes."""
    return with_pod(containers=[{"name": "science", "image": "example/science:1", **changes}])


def config_map(name: str = "code", data: dict[str, str] | None = None, **metadata: Any) -> Object:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata},
            "data": {"a": "b"} if data is None else data}


def autoscaler(name: str = "workers") -> Object:
    """An autoscaler, in autoscaling/v1."""
    return {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
            "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 30,
                     "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}}}


def owner(found: Object) -> Object:
    """The reference that makes something a dependent of the object."""
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "name": found["metadata"]["name"],
            "uid": found["metadata"]["uid"]}


def at(namespace: str, plural: str, name: str = "", part: str = "") -> str:
    """The path of a resource, of an object or of a part of it."""
    group = {"deployments": "/apis/apps/v1", "replicasets": "/apis/apps/v1",
             "horizontalpodautoscalers": "/apis/autoscaling/v1"}.get(plural, "/api/v1")
    return "/".join(filter(None, (f"{group}/namespaces/{namespace}/{plural}", name, part)))
