"""Who may do what. Real and fake agree."""
import pytest
from kubernetes import client

from tests.kubernetes.bodies import at, config_map, deployment
from tests.kubernetes.cluster import Access, Asker, Cluster

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def may(cluster: Cluster, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool:
    """Whether the cluster's user may do that, as the API server tells."""
    name, _, part = resource.partition("/")
    asked = {"verb": verb, "resource": name, "subresource": part, "group": group,
             "namespace": cluster.namespace if namespace is None else namespace}
    return bool(cluster.ask("POST", REVIEWS, {"spec": {"resourceAttributes": asked}})["status"]["allowed"])


def test_a_token_of_nobody(cluster: Cluster) -> None:
    stranger = Asker(Access(cluster.access.url, "nobody", cluster.access.authority))

    status, answer = stranger.answer("GET", at(cluster.namespace, "pods"))

    assert (status, answer["kind"], answer["reason"]) == (401, "Status", "Unauthorized")


def test_no_token(cluster: Cluster) -> None:
    answer = cluster.client.rest_client.pool_manager.request(
        "GET", cluster.access.url + at(cluster.namespace, "pods"), timeout=30, retries=False)

    assert answer.status == 403 and "system:anonymous" in answer.json()["message"]


def test_a_right_that_was_taken(cluster: Cluster) -> None:
    limited = cluster.without_rights("pods")

    with pytest.raises(client.ApiException) as caught:
        client.CoreV1Api(limited.client).list_namespaced_pod(cluster.namespace)

    assert caught.value.status == 403
    status, answer = limited.answer("GET", at(cluster.namespace, "pods", "x"))
    assert (status, answer["reason"], answer["details"]) == (403, "Forbidden", {"name": "x", "kind": "pods"})
    assert f'cannot get resource "pods" in API group "" in the namespace "{cluster.namespace}"' in answer["message"]


def test_other_rights_stay(cluster: Cluster) -> None:
    limited = cluster.without_rights("pods")

    limited.ask("POST", at(cluster.namespace, "configmaps"), config_map())
    limited.ask("POST", at(cluster.namespace, "deployments"), deployment())

    assert limited.answer("GET", at(cluster.namespace, "deployments", "workers", "scale"))[0] == 200


def test_one_verb_of_a_resource(cluster: Cluster) -> None:
    limited = cluster.without_rights("deployments", verbs=("delete",))
    limited.ask("POST", at(cluster.namespace, "deployments"), deployment())

    status, answer = limited.answer("DELETE", at(cluster.namespace, "deployments", "workers"))

    assert (status, answer["details"]["group"]) == (403, "apps")


def test_a_watch_is_a_right_of_its_own(cluster: Cluster) -> None:
    limited = cluster.without_rights("pods", verbs=("watch",))

    assert limited.answer("GET", at(cluster.namespace, "pods"))[0] == 200
    status, answer = limited.answer("GET", at(cluster.namespace, "pods"), query={"watch": "1", "timeoutSeconds": "1"})
    assert (status, answer["reason"]) == (403, "Forbidden") and "cannot watch" in answer["message"]


def test_subresources_have_rights_of_their_own(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())
    limited = cluster.without_rights("deployments/scale")

    status, answer = limited.answer("GET", at(cluster.namespace, "deployments", "workers", "scale"))

    assert status == 403 and "deployments/scale" in answer["message"]
    assert limited.answer("GET", at(cluster.namespace, "deployments", "workers"))[0] == 200


def test_other_namespaces_are_closed_to_the_limited(cluster: Cluster) -> None:
    limited = cluster.without_rights("pods")

    assert limited.answer("GET", at("default", "configmaps"))[0] == 403
    assert limited.answer("GET", "/api/v1/configmaps")[0] == 403


def test_tells_what_one_may(cluster: Cluster) -> None:
    limited = cluster.without_rights("pods", "pods/log")

    assert may(cluster, "list", "pods") and may(cluster, "list", "pods", namespace="")
    assert not may(limited, "list", "pods") and not may(limited, "get", "pods/log")
    assert may(limited, "create", "deployments", "apps")
    assert not may(limited, "create", "deployments", "apps", namespace="default")
