"""Watches. Real and fake agree."""
import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, watch

from tests.kubernetes import pod_states
from tests.kubernetes.bodies import Object, at, config_map, deployment
from tests.kubernetes.cluster import Cluster

MERGE = "application/merge-patch+json"


def seen(cluster: Cluster, count: int, **options: Any) -> list[tuple[str, str]]:
    """The first events, as kind and name, of a watch on ConfigMaps labelled as ours; fewer if no more come."""
    stream = watch.Watch().stream(client.CoreV1Api(cluster.client).list_namespaced_config_map, cluster.namespace,
                                  **{"timeout_seconds": 5, "label_selector": "mine", **options})
    return [(event["type"], event["object"].metadata.name) for event in itertools.islice(stream, count)]


def make(cluster: Cluster, name: str, **labels: str) -> Object:
    """Make a ConfigMap that is labelled as ours."""
    found: Object = cluster.ask("POST", at(cluster.namespace, "configmaps"),
                                config_map(name, labels={"mine": "yes", **labels}))
    return found


def relabel(cluster: Cluster, name: str, **labels: str | None) -> None:
    """Change labels of a ConfigMap."""
    cluster.ask("PATCH", at(cluster.namespace, "configmaps", name), {"metadata": {"labels": labels}},
                content_type=MERGE)


@pytest.fixture
def version(cluster: Cluster) -> str:
    """The version of the list now, from which a watch begins."""
    found: str = cluster.ask("GET", at(cluster.namespace, "configmaps"))["metadata"]["resourceVersion"]
    return found


@pytest.fixture
def in_a_moment() -> Iterator[list[threading.Timer]]:
    """Timers that are started by the test, and ended after it."""
    timers: list[threading.Timer] = []
    yield timers
    for timer in timers:
        timer.join(30)


def test_what_was_there_comes_first(cluster: Cluster) -> None:
    make(cluster, "a")
    make(cluster, "b")

    assert sorted(seen(cluster, 2)) == [("ADDED", "a"), ("ADDED", "b")]


def test_what_has_happened_since_a_version(cluster: Cluster, version: str) -> None:
    make(cluster, "a")
    relabel(cluster, "a", more="yes")
    cluster.ask("DELETE", at(cluster.namespace, "configmaps", "a"))

    assert seen(cluster, 3, resource_version=version) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_what_happens_while_one_listens(cluster: Cluster, version: str, in_a_moment: list[threading.Timer]) -> None:
    in_a_moment.append(threading.Timer(0.5, make, (cluster, "late")))
    in_a_moment[0].start()

    assert seen(cluster, 1, resource_version=version, timeout_seconds=20) == [("ADDED", "late")]


def test_what_no_longer_matches_is_gone(cluster: Cluster, version: str) -> None:
    make(cluster, "a")
    relabel(cluster, "a", mine=None)
    relabel(cluster, "a", mine="again")

    assert seen(cluster, 3, resource_version=version) == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]


def test_others_are_not_seen(cluster: Cluster, version: str) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map("other"))
    make(cluster, "a")

    assert seen(cluster, 1, resource_version=version) == [("ADDED", "a")]


def test_a_watch_ends_when_its_time_is_over(cluster: Cluster, version: str) -> None:
    status, answer = cluster.answer("GET", at(cluster.namespace, "secrets"), query={
        "watch": "1", "timeoutSeconds": "1", "resourceVersion": version})

    assert (status, answer) == (200, None)


def test_an_old_version_is_gone(cluster: Cluster) -> None:
    status, event = cluster.answer("GET", at(cluster.namespace, "configmaps"), query={
        "watch": "1", "timeoutSeconds": "2", "resourceVersion": "1"})

    assert (status, event["type"], event["object"]["kind"]) == (200, "ERROR", "Status")
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


def test_the_client_is_told_that_an_old_version_is_gone(cluster: Cluster) -> None:
    with pytest.raises(client.ApiException) as caught:
        seen(cluster, 1, resource_version="1")

    assert caught.value.status == 410


def test_bookmarks_for_those_who_ask(cluster: Cluster, version: str, in_a_moment: list[threading.Timer]) -> None:
    in_a_moment.append(threading.Timer(0.5, make, (cluster, "a")))
    in_a_moment[0].start()
    # The real server sends the last one two seconds before the end.
    stream = cluster.client.rest_client.pool_manager.request(
        "GET", f"{cluster.access.url}{at(cluster.namespace, 'configmaps')}?watch=1&timeoutSeconds=4"
        f"&allowWatchBookmarks=true&resourceVersion={version}", timeout=30, retries=False,
        headers={"Authorization": f"Bearer {cluster.access.token}"})

    event = json.loads(stream.data.splitlines()[-1])
    assert (event["type"], event["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(version)


def test_the_life_of_pods(cluster: Cluster) -> None:
    path = at(cluster.namespace, "pods")
    version = cluster.ask("GET", path)["metadata"]["resourceVersion"]
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())
    pod = cluster.wait(cluster.pods)[0]
    cluster.set_pod_status(pod, pod_states.running(pod))
    cluster.ask("DELETE", at(cluster.namespace, "deployments", "workers"))
    cluster.wait(lambda: not cluster.pods())
    stream = watch.Watch().stream(client.CoreV1Api(cluster.client).list_namespaced_pod, cluster.namespace,
                                  label_selector="app=workers", resource_version=version, timeout_seconds=10)

    events = list(itertools.islice(stream, 4))

    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert [event["object"].status.phase for event in events] == ["Pending", "Running", "Running", "Running"]
    assert [bool(event["object"].metadata.deletion_timestamp) for event in events] == [False, False, True, True]
    assert {event["object"].metadata.name for event in events} == {pod["metadata"]["name"]}
