"""The faults that the fake can be asked for."""
import time
from collections.abc import Iterator

import pytest
import urllib3
from kubernetes import client

from tests.kubernetes.bodies import at, config_map
from tests.kubernetes.cluster import Cluster


@pytest.fixture
def core(fake_cluster: Cluster) -> Iterator[client.CoreV1Api]:
    """The client's interface to the fake."""
    yield client.CoreV1Api(fake_cluster.client)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_refuses_as_often_as_asked(fake_cluster: Cluster, core: client.CoreV1Api, status: int) -> None:
    fake_cluster.fake.refuse(status, count=2, retry_after=7)

    for _ in range(2):
        with pytest.raises(client.ApiException) as caught:
            core.list_namespaced_pod(fake_cluster.namespace)
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (status, "7")
    assert core.list_namespaced_pod(fake_cluster.namespace).items == []


def test_refuses_only_what_was_meant(fake_cluster: Cluster, core: client.CoreV1Api) -> None:
    fake_cluster.fake.refuse(500, matching="POST /api/v1/")

    core.list_namespaced_pod(fake_cluster.namespace)

    with pytest.raises(client.ApiException):
        core.create_namespaced_config_map(fake_cluster.namespace, config_map())


@pytest.mark.parametrize("after", [False, True])
def test_drops_connections(fake_cluster: Cluster, core: client.CoreV1Api, after: bool) -> None:
    fake_cluster.fake.drop(matching="POST", after=after)

    with pytest.raises(urllib3.exceptions.HTTPError):
        core.create_namespaced_config_map(fake_cluster.namespace, config_map())

    made = [each.metadata.name for each in core.list_namespaced_config_map(fake_cluster.namespace).items]
    assert made == (["code"] if after else [])


def test_waits(fake_cluster: Cluster, core: client.CoreV1Api) -> None:
    fake_cluster.fake.delay(0.3)
    began = time.monotonic()

    core.list_namespaced_pod(fake_cluster.namespace)

    assert time.monotonic() - began >= 0.3


def test_hangs_till_the_client_has_enough(fake_cluster: Cluster, core: client.CoreV1Api) -> None:
    fake_cluster.fake.hang()

    with pytest.raises(urllib3.exceptions.HTTPError):
        core.list_namespaced_pod(fake_cluster.namespace, _request_timeout=0.3)

    assert core.list_namespaced_pod(fake_cluster.namespace).items == []


def test_remembers_what_was_asked(fake_cluster: Cluster, core: client.CoreV1Api) -> None:
    core.list_namespaced_pod(fake_cluster.namespace, label_selector="a=b")

    assert fake_cluster.fake.requests == [f"GET {at(fake_cluster.namespace, 'pods')}?labelSelector=a%3Db"]


def test_forgets_changes(fake_cluster: Cluster, core: client.CoreV1Api) -> None:
    version = core.list_namespaced_config_map(fake_cluster.namespace).metadata.resource_version
    core.create_namespaced_config_map(fake_cluster.namespace, config_map())

    fake_cluster.fake.forget_changes()

    status, event = fake_cluster.answer("GET", at(fake_cluster.namespace, "configmaps"), query={
        "watch": "1", "timeoutSeconds": "1", "resourceVersion": version})
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_a_page_of_a_list_that_is_forgotten(fake_cluster: Cluster, core: client.CoreV1Api) -> None:
    for name in "ab":
        core.create_namespaced_config_map(fake_cluster.namespace, config_map(name))
    page = core.list_namespaced_config_map(fake_cluster.namespace, limit=1)
    fake_cluster.fake.forget_changes()

    with pytest.raises(client.ApiException) as caught:
        core.list_namespaced_config_map(fake_cluster.namespace, limit=1, _continue=page.metadata._continue)

    assert caught.value.status == 410
