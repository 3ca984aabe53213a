"""What goes along when an object is deleted. Real and fake agree."""
import pytest

from tests.kubernetes.bodies import Object, at, autoscaler, config_map, deployment, owner
from tests.kubernetes.cluster import Cluster


@pytest.fixture
def made(cluster: Cluster) -> Object:
    """A Deployment with a pod, and a ConfigMap and an autoscaler that belong to it."""
    found: Object = cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(ownerReferences=[owner(found)]))
    scaler = autoscaler()
    scaler["metadata"]["ownerReferences"] = [owner(found)]
    cluster.ask("POST", at(cluster.namespace, "horizontalpodautoscalers"), scaler)
    cluster.wait(cluster.pods)
    return found


def exists(cluster: Cluster, plural: str, name: str) -> bool:
    """Whether it is there."""
    return cluster.answer("GET", at(cluster.namespace, plural, name))[0] == 200


def nothing_is_left(cluster: Cluster) -> bool:
    """Whether all that the Deployment had is gone."""
    replica_sets = cluster.ask("GET", at(cluster.namespace, "replicasets"))["items"]
    return not (cluster.pods() or replica_sets or exists(cluster, "configmaps", "code")
                or exists(cluster, "horizontalpodautoscalers", "workers"))


@pytest.mark.parametrize("policy", [None, "Background"])
def test_all_goes_after_the_owner(cluster: Cluster, made: Object, policy: str | None) -> None:
    answer = cluster.ask("DELETE", at(cluster.namespace, "deployments", "workers"),
                         {"propagationPolicy": policy} if policy else None)

    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert not exists(cluster, "deployments", "workers")
    cluster.wait(lambda: nothing_is_left(cluster))


def test_all_goes_before_the_owner(cluster: Cluster, made: Object) -> None:
    answer = cluster.ask("DELETE", at(cluster.namespace, "deployments", "workers"),
                         query={"propagationPolicy": "Foreground"})

    assert (answer["kind"], answer["metadata"]["finalizers"]) == ("Deployment", ["foregroundDeletion"])
    assert answer["metadata"]["deletionTimestamp"]
    cluster.wait(lambda: not exists(cluster, "deployments", "workers"))
    cluster.wait(lambda: nothing_is_left(cluster))


def test_a_pod_on_a_node_holds_up_its_owner(cluster: Cluster, made: Object) -> None:
    pod = cluster.pods()[0]
    cluster.bind_pod(pod)
    cluster.ask("DELETE", at(cluster.namespace, "deployments", "workers"), query={"propagationPolicy": "Foreground"})
    cluster.wait(lambda: "deletionTimestamp" in cluster.pods()[0]["metadata"])
    assert exists(cluster, "deployments", "workers")

    cluster.end_pod(pod)

    cluster.wait(lambda: not exists(cluster, "deployments", "workers"))
    cluster.wait(lambda: nothing_is_left(cluster))


def test_dependents_may_be_left(cluster: Cluster, made: Object) -> None:
    cluster.ask("DELETE", at(cluster.namespace, "deployments", "workers"), query={"propagationPolicy": "Orphan"})

    cluster.wait(lambda: not exists(cluster, "deployments", "workers"))
    code = cluster.ask("GET", at(cluster.namespace, "configmaps", "code"))
    assert "ownerReferences" not in code["metadata"] and len(cluster.pods()) == 1


def test_an_orphaned_replica_set_is_adopted(cluster: Cluster, made: Object) -> None:
    pod = cluster.pods()[0]
    cluster.ask("DELETE", at(cluster.namespace, "deployments", "workers"), query={"propagationPolicy": "Orphan"})
    cluster.wait(lambda: not exists(cluster, "deployments", "workers"))

    again = cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())

    cluster.wait(lambda: _owners(cluster) == [again["metadata"]["uid"]])
    assert [each["metadata"]["uid"] for each in cluster.pods()] == [pod["metadata"]["uid"]]


def _owners(cluster: Cluster) -> list[str]:
    found = cluster.ask("GET", at(cluster.namespace, "replicasets"))["items"]
    return [each["uid"] for one in found for each in one["metadata"].get("ownerReferences", [])]


def test_one_of_two_owners_is_enough(cluster: Cluster) -> None:
    first, second = (cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(name)) for name in "ab")
    cluster.ask("POST", at(cluster.namespace, "configmaps"),
                config_map("child", ownerReferences=[owner(first), owner(second)]))
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map("only", ownerReferences=[owner(first)]))

    cluster.ask("DELETE", at(cluster.namespace, "configmaps", "a"))
    cluster.wait(lambda: not exists(cluster, "configmaps", "only"))
    assert exists(cluster, "configmaps", "child")

    cluster.ask("DELETE", at(cluster.namespace, "configmaps", "b"))
    cluster.wait(lambda: not exists(cluster, "configmaps", "child"))


def test_what_names_an_owner_that_never_was_is_deleted(cluster: Cluster) -> None:
    real = cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map("real"))
    wrong = {**owner(real), "uid": "00000000-0000-0000-0000-000000000000"}

    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map("child", ownerReferences=[wrong]))

    cluster.wait(lambda: not exists(cluster, "configmaps", "child"))
    assert exists(cluster, "configmaps", "real")
