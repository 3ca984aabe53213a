"""Pods by themselves: nodes, logs, their end. Real and fake agree; logs that say something are the fake's alone."""
import pytest
from kubernetes import client

from tests.kubernetes import pod_states
from tests.kubernetes.bodies import Object, at
from tests.kubernetes.cluster import Cluster


@pytest.fixture
def pod(cluster: Cluster) -> Object:
    """A pod of two containers that nobody owns."""
    containers = [{"name": "sidecar", "image": "example/sidecar:1"}, {"name": "science", "image": "example/science:1"}]
    found: Object = cluster.ask("POST", at(cluster.namespace, "pods"), {
        "metadata": {"name": "worker"}, "spec": {"containers": containers}})
    return found


def log(cluster: Cluster, **query: str) -> tuple[int, object]:
    """What is answered about the pod's log."""
    return cluster.answer("GET", at(cluster.namespace, "pods", "worker", "log"), query=query)


def test_a_pod_on_no_node_is_deleted_at_once(cluster: Cluster, pod: Object) -> None:
    assert cluster.ask("DELETE", at(cluster.namespace, "pods", "worker"))["kind"] == "Pod"

    assert cluster.answer("GET", at(cluster.namespace, "pods", "worker"))[0] == 404


def test_a_pod_on_a_node_is_let_go_by_it(cluster: Cluster, pod: Object) -> None:
    cluster.bind_pod(pod)
    assert cluster.pods()[0]["spec"]["nodeName"] == "node-1"
    assert [(each["type"], each["status"]) for each in cluster.pods()[0]["status"]["conditions"]] == [
        ("PodScheduled", "True")]

    gone = cluster.ask("DELETE", at(cluster.namespace, "pods", "worker"))["metadata"]
    assert (gone["deletionGracePeriodSeconds"], bool(gone["deletionTimestamp"])) == (30, True)
    assert len(cluster.pods()) == 1
    cluster.end_pod(pod)

    assert cluster.pods() == []


def test_a_pod_is_bound_once(cluster: Cluster, pod: Object) -> None:
    cluster.bind_pod(pod)

    status, answer = cluster.answer("POST", at(cluster.namespace, "pods", "worker", "binding"), {
        "metadata": {"name": "worker"}, "target": {"kind": "Node", "name": "node-2"}})

    assert (status, answer["reason"]) == (409, "Conflict")


def test_the_specification_of_a_pod_stays(cluster: Cluster, pod: Object) -> None:
    status, answer = cluster.answer(
        "PATCH", at(cluster.namespace, "pods", "worker"), {"spec": {"restartPolicy": "Never"}},
        content_type="application/merge-patch+json")

    assert (status, answer["reason"]) == (422, "Invalid")


def test_a_status_takes_the_place_of_the_one_before(cluster: Cluster, pod: Object) -> None:
    cluster.set_pod_status(pod, pod_states.unschedulable())

    found = cluster.set_pod_status(pod, pod_states.running(pod))

    assert found["status"]["phase"] == "Running"
    assert {each["type"]: each["status"] for each in found["status"]["conditions"]} == {
        "Initialized": "True", "Ready": "True", "ContainersReady": "True", "PodScheduled": "True"}


def test_a_log_needs_a_container(cluster: Cluster, pod: Object) -> None:
    status, answer = log(cluster)

    assert (status, answer["reason"]) == (400, "BadRequest")
    assert "a container name must be specified for pod worker, choose one of: [sidecar science]" in answer["message"]


def test_a_log_of_a_container_that_is_not_there(cluster: Cluster, pod: Object) -> None:
    status, answer = log(cluster, container="x")

    assert (status, answer["message"]) == (400, "container x is not valid for pod worker")


def test_a_log_of_a_pod_that_is_not_there(cluster: Cluster) -> None:
    status, answer = log(cluster, container="x")

    assert (status, answer["reason"]) == (404, "NotFound")


def test_a_pod_on_no_node_has_said_nothing(cluster: Cluster, pod: Object) -> None:
    assert log(cluster, container="science") == (204, "")


def test_refuses_fewer_lines_than_none(cluster: Cluster, pod: Object) -> None:
    status, answer = log(cluster, container="science", tailLines="-1")

    assert (status, answer["reason"]) == (422, "Invalid")


class TestLogsOfTheFake:
    """The real control plane has no nodes to ask."""

    @pytest.fixture
    def cluster(self, fake_cluster: Cluster) -> Cluster:
        return fake_cluster

    def test_the_last_lines(self, cluster: Cluster, pod: Object) -> None:
        cluster.bind_pod(pod)
        cluster.fake.set_log(cluster.namespace, "worker", "science", "one\ntwo\nthree\n")
        # Read by the client itself, the text would be the representation of the bytes: its version 36 does that.
        answer = client.CoreV1Api(cluster.client).read_namespaced_pod_log(
            "worker", cluster.namespace, container="science", tail_lines=2, _preload_content=False)

        assert answer.data == b"two\nthree\n"
        assert log(cluster, container="science", tailLines="9") == (200, "one\ntwo\nthree\n")
        assert log(cluster, container="science", tailLines="0") == (204, "")

    def test_the_container_before(self, cluster: Cluster, pod: Object) -> None:
        cluster.bind_pod(pod)
        assert log(cluster, container="science", previous="true")[0] == 400

        cluster.fake.set_log(cluster.namespace, "worker", "science", "killed\n", previous=True)

        assert log(cluster, container="science", previous="true") == (200, "killed\n")

    def test_a_container_that_waits(self, cluster: Cluster, pod: Object) -> None:
        cluster.bind_pod(pod)
        cluster.set_pod_status(pod, pod_states.image_pull_back_off(pod, "science"))

        status, answer = log(cluster, container="science")

        assert (status, answer["reason"]) == (400, "BadRequest") and "is waiting to start" in answer["message"]
