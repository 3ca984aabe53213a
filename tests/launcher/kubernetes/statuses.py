"""What a cluster says of pods, as the API reference describes it and as clusters were seen to say it."""
from typing import Any

NO_SUCH_IMAGE = 'Back-off pulling image "example.org/none:1"'
NO_ROOM = "0/3 nodes are available: 3 Insufficient cpu."


def pod(name: str = "transformer-1-abc", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"phase": "Running", **status}}


def container(name: str = "transformer", restarts: int = 0, state: dict[str, Any] | None = None,
              last: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "restartCount": restarts, "state": state or {"running": {}}, "lastState": last or {}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def terminated(reason: str, code: int, message: str = "", at: str = "2026-11-24T12:00:00Z") -> dict[str, Any]:
    return {"terminated": {"reason": reason, "exitCode": code, "message": message, "finishedAt": at}}


def pulling(name: str = "transformer-1-abc") -> dict[str, Any]:
    stuck = container(state=waiting("ImagePullBackOff", NO_SUCH_IMAGE))
    return pod(name, phase="Pending", containerStatuses=[container("sidecar"), stuck])


def crashing(name: str = "transformer-1-abc", reason: str = "Error", code: int = 1) -> dict[str, Any]:
    crashed = container(restarts=5, state=waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container"),
                        last=terminated(reason, code))
    return pod(name, containerStatuses=[container("sidecar"), crashed])


def unschedulable(name: str = "transformer-1-abc") -> dict[str, Any]:
    return pod(name, phase="Pending", conditions=[
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_ROOM}])


def evicted(name: str = "transformer-1-abc") -> dict[str, Any]:
    return pod(name, phase="Failed", reason="Evicted", message="The node was low on resource: memory.")


def out_of_memory(name: str = "transformer-1-abc", restarts: int = 1,
                  at: str = "2026-11-24T12:00:00Z") -> dict[str, Any]:
    return pod(name, containerStatuses=[container("worker", restarts, last=terminated("OOMKilled", 137, at=at))])
