"""Statuses of pods, as a node or the scheduler would write them; for `Cluster.set_pod_status`."""
from datetime import datetime, timezone
from typing import Any

Object = dict[str, Any]


def running(pod: Object, ready: bool = True) -> Object:
    """All containers run."""
    state = {"state": {"running": {"startedAt": _now()}}}
    return _status("Running", [_container(each, ready=ready, **state) for each in _containers(pod)], ready=ready)


def image_pull_back_off(pod: Object, container: str | None = None, message: str | None = None) -> Object:
    """The image of a container cannot be fetched."""
    image = next(each["image"] for each in _containers(pod) if container in (None, each["name"]))
    return waiting(pod, "ImagePullBackOff", message or f'Back-off pulling image "{image}"', container)


def err_image_pull(pod: Object, message: str, container: str | None = None) -> Object:
    """The image of a container could not be fetched just now."""
    return waiting(pod, "ErrImagePull", message, container)


def config_error(pod: Object, message: str, container: str | None = None) -> Object:
    """A container cannot be made, such as for want of a secret."""
    return waiting(pod, "CreateContainerConfigError", message, container)


def crash_loop(pod: Object, container: str | None = None, exit_code: int = 1, restarts: int = 5) -> Object:
    """A container ends again and again."""
    name = container or _containers(pod)[0]["name"]
    message = f"back-off 5m0s restarting failed container={name} pod={pod['metadata']['name']}"
    last = {"terminated": {"exitCode": exit_code, "reason": "Error", "startedAt": _now(), "finishedAt": _now()}}
    return waiting(pod, "CrashLoopBackOff", message, container, lastState=last, restartCount=restarts)


def waiting(pod: Object, reason: str, message: str, container: str | None = None, **more: Any) -> Object:
    """A container, all if it is not named, waits for that reason; the others run."""
    def one(each: Object) -> Object:
        if container in (None, each["name"]):
            return _container(each, ready=False, state={"waiting": {"reason": reason, "message": message}}, **more)
        return _container(each, ready=True, state={"running": {"startedAt": _now()}})

    return _status("Pending" if "Crash" not in reason else "Running", [one(each) for each in _containers(pod)],
                   ready=False)


def out_of_memory(pod: Object, container: str | None = None, restarts: int = 1) -> Object:
    """A container was killed for its memory, and runs again."""
    killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": _now(), "finishedAt": _now()}}

    def one(each: Object) -> Object:
        hit = container in (None, each["name"])
        return _container(each, ready=True, state={"running": {"startedAt": _now()}},
                          lastState=killed if hit else {}, restartCount=restarts if hit else 0)

    return _status("Running", [one(each) for each in _containers(pod)], ready=True)


def unschedulable(message: str = "0/3 nodes are available: 3 Insufficient memory.") -> Object:
    """No node has room."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
                 "lastTransitionTime": _now()}
    return {"phase": "Pending", "conditions": [condition]}


def evicted(message: str = "The node was low on resource: memory.") -> Object:
    """The node has thrown it out; it stays as failed till it is deleted, and another takes its place."""
    return {"phase": "Failed", "reason": "Evicted", "message": message, "startTime": _now()}


def _containers(pod: Object) -> list[Object]:
    return list(pod["spec"]["containers"])


def _container(container: Object, ready: bool, **more: Any) -> Object:
    status = {"name": container["name"], "image": container["image"], "imageID": "", "ready": ready, "restartCount": 0,
              "lastState": {}}
    return {**status, "started": ready, **more}


def _status(phase: str, containers: list[Object], ready: bool) -> Object:
    told = {"Initialized": True, "Ready": ready, "ContainersReady": ready, "PodScheduled": True}
    conditions = [{"type": kind, "status": str(holds), "lastTransitionTime": _now()} for kind, holds in told.items()]
    return {"phase": phase, "conditions": conditions, "containerStatuses": containers, "startTime": _now()}


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
