"""What becomes of a Deployment: pods, its scale, its status. Real and fake agree."""
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from tests.kubernetes import pod_states
from tests.kubernetes.bodies import Object, at, autoscaler, deployment
from tests.kubernetes.cluster import Cluster

MERGE = "application/merge-patch+json"
ID = "6f0dc0cc-3a7e-4e2c-9c3b-0c9a1c2c9f3e"


def make(cluster: Cluster, replicas: int = 1, name: str = "workers", **spec: Any) -> list[Object]:
    """Make a Deployment; returns its pods once they are there."""
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment(name, replicas, **spec))
    return pods_once(cluster, replicas, f"app={name}")


def pods_once(cluster: Cluster, count: int, selector: str = "app=workers") -> list[Object]:
    """The pods once there are so many."""
    cluster.wait(lambda: len(cluster.pods(selector)) == count)
    return cluster.pods(selector)


def status_once(cluster: Cluster, holds: Callable[[Object], bool]) -> Object:
    """The status of the Deployment once that holds."""
    path = at(cluster.namespace, "deployments", "workers")
    cluster.wait(lambda: holds(cluster.ask("GET", path).get("status", {})))
    found: Object = cluster.ask("GET", path)["status"]
    return found


def condition(status: Object, kind: str) -> tuple[str, str] | None:
    """Whether the condition holds, and why."""
    return next(((each["status"], each["reason"]) for each in status.get("conditions", []) if each["type"] == kind),
                None)


def scale(cluster: Cluster, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    """What is answered about the Deployment's scale."""
    return cluster.answer(method, at(cluster.namespace, "deployments", "workers", "scale"), body,
                          content_type=MERGE if method == "PATCH" else "application/json")


def test_pods_are_made(cluster: Cluster) -> None:
    pods = make(cluster, 2, "transformer-" + ID)

    replica_sets = cluster.ask("GET", at(cluster.namespace, "replicasets"))["items"]
    owners = [pod["metadata"]["ownerReferences"][0] for pod in pods]
    assert len(replica_sets) == 1 and {owner["uid"] for owner in owners} == {replica_sets[0]["metadata"]["uid"]}
    assert all(owner["controller"] and owner["kind"] == "ReplicaSet" for owner in owners)
    assert replica_sets[0]["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    template_hash = replica_sets[0]["metadata"]["labels"]["pod-template-hash"]
    assert replica_sets[0]["metadata"]["name"] == f"transformer-{ID}-{template_hash}"
    assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in pods} == {template_hash}
    assert {len(pod["metadata"]["name"]) for pod in pods} == {63}


def test_what_a_new_pod_is(cluster: Cluster) -> None:
    pod, = make(cluster)

    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert pod["metadata"]["labels"]["app"] == "workers" and "mine" not in pod["metadata"]["labels"]
    assert [each["name"] for each in pod["spec"]["containers"]] == ["sidecar", "science"]


def test_pods_request_what_they_are_limited_to(cluster: Cluster) -> None:
    body = deployment()
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    body["spec"]["template"]["spec"]["containers"] = [{"name": "a", "image": "b", "resources": resources}]
    made = cluster.ask("POST", at(cluster.namespace, "deployments"), body)

    pod = cluster.wait(cluster.pods)[0]

    assert made["spec"]["template"]["spec"]["containers"][0]["resources"] == resources
    assert pod["spec"]["containers"][0]["resources"] == {
        **resources, "requests": {"cpu": "100m", "memory": "1Gi"}}
    assert pod["status"]["qosClass"] == "Burstable"


def test_scale_up_and_down(cluster: Cluster) -> None:
    make(cluster)

    status, answer = scale(cluster, "PATCH", {"spec": {"replicas": 3}})
    assert (status, answer["kind"], answer["spec"]) == (200, "Scale", {"replicas": 3})
    pods_once(cluster, 3)
    status_once(cluster, lambda status: status.get("replicas") == 3)
    assert scale(cluster)[1]["status"] == {"replicas": 3, "selector": "app=workers"}
    answer["spec"]["replicas"] = 0
    del answer["metadata"]["resourceVersion"]
    assert scale(cluster, "PUT", answer)[0] == 200
    pods_once(cluster, 0)


def test_those_that_do_least_go_first(cluster: Cluster) -> None:
    first, second, third = make(cluster, 3)
    cluster.set_pod_status(second, pod_states.running(second))
    status_once(cluster, lambda status: status.get("readyReplicas") == 1)

    scale(cluster, "PATCH", {"spec": {"replicas": 1}})

    assert [pod["metadata"]["name"] for pod in pods_once(cluster, 1)] == [second["metadata"]["name"]]


def test_refuses_a_scale_below_nothing(cluster: Cluster) -> None:
    make(cluster)

    status, answer = scale(cluster, "PATCH", {"spec": {"replicas": -1}})

    assert (status, answer["reason"], answer["details"]["causes"][0]["field"]) == (422, "Invalid", "spec.replicas")


def test_refuses_an_old_scale(cluster: Cluster) -> None:
    make(cluster)
    old = scale(cluster)[1]
    scale(cluster, "PATCH", {"spec": {"replicas": 2}})

    status, answer = scale(cluster, "PUT", old)

    assert (status, answer["reason"]) == (409, "Conflict")


def test_no_scale_of_nothing(cluster: Cluster) -> None:
    status, answer = scale(cluster)
    assert (status, answer["reason"]) == (404, "NotFound")

    assert scale(cluster, "PATCH", {"spec": {"replicas": 1}})[0] == 404


def test_the_client_scales(cluster: Cluster) -> None:
    make(cluster)
    apps = client.AppsV1Api(cluster.client)

    apps.patch_namespaced_deployment_scale("workers", cluster.namespace, {"spec": {"replicas": 2}})

    pods_once(cluster, 2)
    assert apps.read_namespaced_deployment_scale("workers", cluster.namespace).spec.replicas == 2


def test_a_status_while_no_pod_is_ready(cluster: Cluster) -> None:
    make(cluster, 2)

    status = status_once(cluster, lambda status: condition(status, "Progressing") == ("True", "ReplicaSetUpdated"))

    assert {key: status[key] for key in status if key != "conditions"} == {
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "unavailableReplicas": 2}
    assert condition(status, "Available") == ("False", "MinimumReplicasUnavailable")


def test_a_status_once_all_are_ready(cluster: Cluster) -> None:
    for pod in make(cluster, 2):
        cluster.set_pod_status(pod, pod_states.running(pod))

    status = status_once(cluster, lambda status: condition(status, "Progressing") == (
        "True", "NewReplicaSetAvailable"))

    assert {key: status[key] for key in status if key != "conditions"} == {
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    assert condition(status, "Available") == ("True", "MinimumReplicasAvailable")


def test_a_status_when_pods_fail_again(cluster: Cluster) -> None:
    pod, = make(cluster)
    cluster.set_pod_status(pod, pod_states.running(pod))
    status_once(cluster, lambda status: status.get("readyReplicas") == 1)

    cluster.set_pod_status(pod, pod_states.crash_loop(pod, "science"))

    status = status_once(cluster, lambda status: status.get("unavailableReplicas") == 1)
    assert condition(status, "Available") == ("False", "MinimumReplicasUnavailable")
    assert condition(status, "Progressing") == ("True", "NewReplicaSetAvailable")


def test_a_deadline_that_passes(cluster: Cluster) -> None:
    make(cluster, progressDeadlineSeconds=1)

    status = status_once(cluster, lambda status: (condition(status, "Progressing") or ("", ""))[0] == "False")

    assert condition(status, "Progressing") == ("False", "ProgressDeadlineExceeded")


def test_pods_that_may_not_be_made(cluster: Cluster) -> None:
    cluster.refuse_pods()
    make(cluster, 0)
    scale(cluster, "PATCH", {"spec": {"replicas": 2}})

    status = status_once(cluster, lambda status: condition(status, "ReplicaFailure") is not None)

    told = next(each["message"] for each in status["conditions"] if each["type"] == "ReplicaFailure")
    assert condition(status, "ReplicaFailure") == ("True", "FailedCreate") and "exceeded quota" in told
    assert status["unavailableReplicas"] == 2 and "replicas" not in status and cluster.pods() == []


def test_a_pod_that_is_deleted_comes_again(cluster: Cluster) -> None:
    pod, = make(cluster)
    cluster.ask("DELETE", at(cluster.namespace, "pods", pod["metadata"]["name"]))

    cluster.wait(lambda: [each for each in cluster.pods() if each["metadata"]["uid"] != pod["metadata"]["uid"]])


def test_another_takes_the_place_of_an_evicted_pod(cluster: Cluster) -> None:
    pod, = make(cluster)

    cluster.set_pod_status(pod, pod_states.evicted())

    phases = sorted(each["status"]["phase"] for each in pods_once(cluster, 2))
    assert phases == ["Failed", "Pending"]


def test_a_new_template_has_new_pods(cluster: Cluster) -> None:
    pod, = make(cluster, strategy={"type": "Recreate"})
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "other", "image": "example/other:1"}]}}}}
    cluster.ask("PATCH", at(cluster.namespace, "deployments", "workers"), patch, content_type=MERGE)

    cluster.wait(lambda: [each["spec"]["containers"][0]["name"] for each in cluster.pods()] == ["other"])

    assert len(cluster.ask("GET", at(cluster.namespace, "replicasets"))["items"]) == 2


def test_events_tell_what_was_done(cluster: Cluster) -> None:
    pod, = make(cluster)
    path = at(cluster.namespace, "events")
    of_deployment = {"fieldSelector": "involvedObject.kind=Deployment,involvedObject.name=workers"}

    found = cluster.wait(lambda: cluster.ask("GET", path, query=of_deployment)["items"])

    name = pod["metadata"]["ownerReferences"][0]["name"]
    assert [(each["type"], each["reason"], each["message"]) for each in found] == [
        ("Normal", "ScalingReplicaSet", f"Scaled up replica set {name} to 1")]
    cluster.wait(lambda: [each for each in cluster.ask("GET", path)["items"]
                          if each["message"] == f"Created pod: {pod['metadata']['name']}"])


def test_autoscalers_are_kept(cluster: Cluster) -> None:
    path = at(cluster.namespace, "horizontalpodautoscalers")
    made = cluster.ask("POST", path, autoscaler())

    assert made["spec"]["minReplicas"] == 1 and len(cluster.ask("GET", path)["items"]) == 1
    assert cluster.ask("DELETE", f"{path}/workers")["status"] == "Success"
    assert cluster.answer("GET", f"{path}/workers")[0] == 404


def test_autoscalers_of_the_newer_version(fake_cluster: Cluster) -> None:
    """The real server that Debian's source gives is too old for it."""
    fake_cluster.ask("POST", at(fake_cluster.namespace, "horizontalpodautoscalers"), autoscaler())

    found, = client.AutoscalingV2Api(fake_cluster.client).list_namespaced_horizontal_pod_autoscaler(
        fake_cluster.namespace).items

    assert found.spec.metrics[0].resource.target.average_utilization == 30


@pytest.mark.parametrize("state, reason", [
    (lambda pod: pod_states.image_pull_back_off(pod, "science"), "ImagePullBackOff"),
    (lambda pod: pod_states.err_image_pull(pod, "no such image", "science"), "ErrImagePull"),
    (lambda pod: pod_states.config_error(pod, 'secret "x" not found', "science"), "CreateContainerConfigError"),
    (lambda pod: pod_states.crash_loop(pod, "science"), "CrashLoopBackOff")])
def test_states_of_pods(cluster: Cluster, state: Callable[[Object], Object], reason: str) -> None:
    pod, = make(cluster)

    cluster.set_pod_status(pod, state(pod))

    found = client.CoreV1Api(cluster.client).read_namespaced_pod(pod["metadata"]["name"], cluster.namespace)
    sidecar, science = found.status.container_statuses
    assert science.state.waiting.reason == reason and science.state.waiting.message
    assert sidecar.state.running and status_once(cluster, lambda status: "unavailableReplicas" in status)


def test_a_pod_without_room_and_one_killed_for_its_memory(cluster: Cluster) -> None:
    first, second = make(cluster, 2)

    cluster.set_pod_status(first, pod_states.unschedulable())
    cluster.set_pod_status(second, pod_states.out_of_memory(second, "science"))

    waiting, killed = cluster.pods()
    assert waiting["status"]["conditions"][0]["reason"] == "Unschedulable"
    assert killed["status"]["containerStatuses"][1]["lastState"]["terminated"]["reason"] == "OOMKilled"
