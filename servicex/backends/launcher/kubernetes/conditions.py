"""What a Deployment says of its pods: the replica counts, and why there are not as many as wanted."""
from collections.abc import Mapping
from typing import Any

from servicex.backends.launcher.kubernetes.names import COMPLETE


def is_complete(deployment: Mapping[str, Any]) -> bool:
    """Whether all that its pods need was made."""
    return COMPLETE in (deployment["metadata"].get("annotations") or {})


def replicas(deployment: Mapping[str, Any]) -> int:
    """How many pods are wanted."""
    return int(deployment["spec"].get("replicas") or 0)


def ready(deployment: Mapping[str, Any]) -> int:
    """How many pods run with all their containers."""
    return int(deployment.get("status", {}).get("readyReplicas") or 0)


def refused(deployment: Mapping[str, Any]) -> str:
    """Why the cluster makes no more pods, a quota for instance; empty if it does."""
    return _words(deployment, "ReplicaFailure", "True")


def late(deployment: Mapping[str, Any]) -> str:
    """What the Deployment says when its pods are not there in time, whatever the cause; empty if they are."""
    return _words(deployment, "Progressing", "False")


def _words(deployment: Mapping[str, Any], kind: str, status: str) -> str:
    for condition in deployment.get("status", {}).get("conditions") or ():
        if condition.get("type") == kind and condition.get("status") == status:
            return f"{condition.get('reason')}: {condition.get('message')}"
    return ""
