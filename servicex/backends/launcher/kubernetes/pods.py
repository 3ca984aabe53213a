"""What the pods of a transform do and why some do not, read from what the cluster says of them.

The fields are those of the Kubernetes API reference, "PodStatus" and "ContainerStatus".
"""
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from servicex.backends.launcher.base import Kill

RUNNING = "running"
STARTING = "starting"
FAILING = "failing"
ENDING = "ending"
# There is no room for it in the cluster now.
UNSCHEDULABLE = "unschedulable"

# Why a container does not start and will not by itself.
STUCK = frozenset({"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
                   "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"})
# A container that may be waited for by another one is started again once or twice in any case.
MANY_RESTARTS = 3
OUT_OF_MEMORY = "OOMKilled"
EVICTED = "Evicted"


@dataclass(frozen=True)
class PodSummary:
    """Counts of the pods by state, why some fail or wait in the cluster's own words, and which were killed."""

    states: Mapping[str, int]
    trouble: str
    waiting: str
    kills: tuple[Kill, ...]


def summary(pods: Iterable[Mapping[str, Any]]) -> PodSummary:
    """What the pods of one transform do."""
    states: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    kills: list[Kill] = []
    for pod in pods:
        state, words = _state(pod)
        states[state] += 1
        reasons.setdefault(state, words)
        kills += _kills(pod)
    return PodSummary(dict(states), reasons.get(FAILING, ""), reasons.get(UNSCHEDULABLE, ""), tuple(kills))


def _state(pod: Mapping[str, Any]) -> tuple[str, str]:
    """The state of a pod, and the cluster's words about it."""
    status = pod.get("status", {})
    if pod["metadata"].get("deletionTimestamp") or status.get("phase") in ("Failed", "Succeeded"):
        return ENDING, ""
    if words := next((words for container in _containers(pod) if (words := _why_stuck(container))), ""):
        return FAILING, words
    if words := _why_unschedulable(status):
        return UNSCHEDULABLE, words
    return RUNNING if status.get("phase") == "Running" else STARTING, ""


def _why_unschedulable(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "no node takes it")
    return ""


def _why_stuck(container: Mapping[str, Any]) -> str:
    """Why a container does not run, nor will: in the cluster's words, with how it ended last."""
    waiting = container.get("state", {}).get("waiting") or {}
    ended = container.get("lastState", {}).get("terminated") or {}
    crashes = container.get("restartCount", 0) >= MANY_RESTARTS and ended.get("exitCode", 0) != 0
    if waiting.get("reason") not in STUCK and not crashes:
        return ""
    reason = waiting.get("reason") or "the container ends again and again"
    words = [f"container {container.get('name')}: {reason}", waiting.get("message") or "", _how_ended(ended)]
    return ": ".join(filter(None, words))


def _how_ended(ended: Mapping[str, Any]) -> str:
    if not ended:
        return ""
    words = f"it last ended with exit code {ended.get('exitCode')} ({ended.get('reason') or 'no reason given'})"
    return f"{words}: {ended['message']}" if ended.get("message") else words


def _kills(pod: Mapping[str, Any]) -> Iterator[Kill]:
    """How the cluster killed the pod or one of its containers, as far as it still tells."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if status.get("reason") == EVICTED:
        yield Kill(name, f"{name} evicted", f"{EVICTED}: {status.get('message') or 'no reason given'}")
    for container in _containers(pod):
        for state in ("state", "lastState"):
            ended = container.get(state, {}).get("terminated") or {}
            if ended.get("reason") == OUT_OF_MEMORY:
                # Each end has its own time, and is seen in `state` before it is in `lastState`.
                yield Kill(name, f"{name} {container.get('name')} {ended.get('finishedAt')}",
                           f"{OUT_OF_MEMORY}: the container {container.get('name')} used more memory than it may")


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return pod.get("status", {}).get("containerStatuses") or []
