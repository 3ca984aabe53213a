"""What is read from what a cluster says of pods."""
from typing import Any

import pytest

from servicex.backends.launcher.kubernetes import conditions
from servicex.backends.launcher.kubernetes.pods import summary
from tests.launcher.kubernetes.statuses import (NO_ROOM, NO_SUCH_IMAGE, container, crashing, evicted, out_of_memory,
                                                pod, pulling, terminated, unschedulable, waiting)

NOON = "2026-11-24T12:00:00Z"
STUCK = ["ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "RunContainerError"]


@pytest.mark.parametrize("found, state", [
    (pod(), "running"),
    (pod(phase="Pending"), "starting"),
    (pod(phase="Pending", containerStatuses=[container(state=waiting("ContainerCreating"))]), "starting"),
    (pod(containerStatuses=[container(restarts=1, last=terminated("Error", 1))]), "running"),
    (pod(containerStatuses=[container(restarts=9, last=terminated("Completed", 0))]), "running"),
    (pod(containerStatuses=[container(restarts=3, last=terminated("Error", 1))]), "failing"),
    (pulling(), "failing"),
    (crashing(), "failing"),
    (unschedulable(), "unschedulable"),
    (evicted(), "ending"),
    ({"metadata": {"name": "a", "deletionTimestamp": NOON}, "status": {"phase": "Running"}}, "ending"),
    ({"metadata": {"name": "a"}}, "starting"),
    (pod(containerStatuses=None, conditions=None), "running"),
])
def test_state_of_a_pod(found: dict[str, Any], state: str) -> None:
    assert summary([found]).states == {state: 1}


@pytest.mark.parametrize("reason", STUCK)
def test_container_that_cannot_start(reason: str) -> None:
    seen = summary([pod(phase="Pending", containerStatuses=[container(state=waiting(reason, "in its own words"))])])
    assert seen.trouble == f"container transformer: {reason}: in its own words"


def test_trouble_has_the_clusters_own_words_and_how_the_container_ended() -> None:
    assert summary([pulling()]).trouble == f"container transformer: ImagePullBackOff: {NO_SUCH_IMAGE}"
    assert summary([crashing(code=127)]).trouble == (
        "container transformer: CrashLoopBackOff: back-off 5m0s restarting failed container: "
        "it last ended with exit code 127 (Error)")


def test_no_room_is_not_trouble() -> None:
    seen = summary([unschedulable()])
    assert (seen.trouble, seen.waiting) == ("", NO_ROOM)


def test_states_are_counted() -> None:
    seen = summary([pod("a"), pod("b"), pulling("c"), unschedulable("d"), evicted("e")])
    assert seen.states == {"running": 2, "failing": 1, "unschedulable": 1, "ending": 1}


def test_kills() -> None:
    (killed,) = summary([out_of_memory("a")]).kills
    assert killed.worker == "a" and killed.reason.startswith("OOMKilled: the container worker used more memory")
    (gone,) = summary([evicted("b")]).kills
    assert (gone.worker, gone.reason) == ("b", "Evicted: The node was low on resource: memory.")


def test_kill_is_the_same_before_and_after_the_restart() -> None:
    ended = pod("a", containerStatuses=[container("worker", 0, state=terminated("OOMKilled", 137, at=NOON))])
    assert summary([ended]).kills == summary([out_of_memory("a", at=NOON)]).kills
    assert summary([out_of_memory("a", at="2026-11-24T12:05:00Z")]).kills != summary([ended]).kills


def test_what_a_deployment_says() -> None:
    quota = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small"}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    deployment: dict[str, Any] = {"metadata": {}, "spec": {"replicas": 3},
                                  "status": {"readyReplicas": 1, "conditions": [quota, late]}}
    assert conditions.refused(deployment) == "FailedCreate: exceeded quota: small"
    assert conditions.late(deployment) == "ProgressDeadlineExceeded: timed out"
    assert (conditions.replicas(deployment), conditions.ready(deployment)) == (3, 1)
    assert not conditions.is_complete(deployment)
    assert conditions.refused({"metadata": {}, "spec": {}}) == "" and conditions.ready({"spec": {}}) == 0
