"""The launcher's contract, on a fake cluster and, by `make test-kubernetes`, on a real one."""
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes import watch
from servicex.backends.launcher.kubernetes.cluster import Cluster, NotAllowed, connect
from servicex.backends.launcher.kubernetes.launcher import KubernetesLauncher
from servicex.backends.launcher.kubernetes.names import our_labels, program_name, transformer_name
from servicex.backends.launcher.kubernetes.options import ClusterOptions
from servicex.errors import ServiceXError, Unavailable
from servicex.settings import InvalidSettings
from tests.cluster_node.container import Container, Mount
from tests.kubernetes import pod_states
from tests.kubernetes.cluster import Cluster as AnyCluster
from tests.launcher.kubernetes.jobs import PLAIN, PYTHON, REQUEST_ID, RICH, XAOD

OTHER_ID = "11111111-2222-4333-8444-555555555555"
SECONDS = 20.0
KINDS = ("Deployment", "ConfigMap", "Secret")
NO_ROOM = "0/3 nodes are available: 3 Insufficient cpu."


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the cluster anew each time, so that no test waits for what is seen to grow old."""
    monkeypatch.setattr(watch, "GOOD_SECONDS", 0.0)
    monkeypatch.setattr(watch, "GOOD_TIMES", 0)


@pytest.fixture
def options(cluster: AnyCluster) -> ClusterOptions:
    return replace(PLAIN, namespace=cluster.namespace)


@pytest.fixture
def launcher(cluster: AnyCluster, options: ClusterOptions) -> Iterator[KubernetesLauncher]:
    made = KubernetesLauncher(Cluster(cluster.client, cluster.namespace), options)
    yield made
    made.close()


def objects(cluster: AnyCluster, kind: str, instance: str = "testing") -> list[dict[str, Any]]:
    return list(Cluster(cluster.client, cluster.namespace).list(kind, our_labels(instance)))


def eventually(condition: Callable[[], Any], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(0.05)


def pods(cluster: AnyCluster, count: int) -> list[Any]:
    """The pods, by name, when there are as many as expected."""
    eventually(lambda: len(cluster.pods(f"app={transformer_name(REQUEST_ID)}")) == count)
    return cluster.pods(f"app={transformer_name(REQUEST_ID)}")


def names(found: list[Any]) -> list[str]:
    return [pod["metadata"]["name"] for pod in found]


@pytest.mark.parametrize("job, wanted", [(PYTHON, PLAIN), (XAOD, PLAIN), (PYTHON, RICH), (XAOD, RICH),
                                         (replace(XAOD, result_destination="volume"), RICH)],
                         ids=["worker", "sidecar", "worker-rich", "sidecar-rich", "volume"])
def test_start_makes_all_there_is_to_a_transform(cluster: AnyCluster, job: TransformJob,
                                                 wanted: ClusterOptions) -> None:
    # A priority class is the cluster's own affair, and the test's cluster has none.
    options = replace(wanted, namespace=cluster.namespace, priority_class="")
    launcher = KubernetesLauncher(Cluster(cluster.client, cluster.namespace), options)
    launcher.start(job, 2)
    (deployment,), (program,), (secret,) = (objects(cluster, kind) for kind in KINDS)
    assert deployment["metadata"]["name"] == secret["metadata"]["name"] == transformer_name(REQUEST_ID)
    assert program["metadata"]["name"] == program_name(REQUEST_ID)
    for owned in (program, secret):
        assert [owner["uid"] for owner in owned["metadata"]["ownerReferences"]] == [deployment["metadata"]["uid"]]
    assert len(pods(cluster, 2)) == 2


def test_start_again_changes_nothing(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    launcher.start(PYTHON, 2)
    there = names(pods(cluster, 2))
    before = [objects(cluster, kind)[0]["metadata"]["uid"] for kind in KINDS]
    launcher.start(PYTHON, 2)
    launcher.start(PYTHON, 1)
    assert [objects(cluster, kind)[0]["metadata"]["uid"] for kind in KINDS] == before
    assert names(pods(cluster, 2)) == there


class Dying(Cluster):
    """A cluster whose caller dies after some calls, as a server that is killed does."""

    def __init__(self, cluster: AnyCluster, calls: int):
        super().__init__(cluster.client, cluster.namespace)
        self.left = calls

    def create(self, body: dict[str, Any]) -> bool:
        self._count()
        return super().create(body)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        self._count()
        return super().get(kind, name)

    def patch(self, kind: str, name: str, changes: dict[str, Any]) -> dict[str, Any] | None:
        self._count()
        return super().patch(kind, name, changes)

    def _count(self) -> None:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1


def test_start_that_was_broken_off_anywhere_is_made_whole(cluster: AnyCluster, options: ClusterOptions) -> None:
    dying = Dying(cluster, 100)
    KubernetesLauncher(dying, options).start(PYTHON, 1)
    calls = 100 - dying.left
    assert calls >= 5
    for number in range(calls):
        launcher = KubernetesLauncher(Cluster(cluster.client, cluster.namespace), options)
        launcher.stop(REQUEST_ID)
        eventually(lambda: not any(objects(cluster, kind) for kind in KINDS))
        with pytest.raises(KeyboardInterrupt):
            KubernetesLauncher(Dying(cluster, number), options).start(PYTHON, 1)
        assert launcher.status(REQUEST_ID) is None, "so that the controller starts it again"
        launcher.start(PYTHON, 1)
        assert all(len(objects(cluster, kind)) == 1 for kind in KINDS)
        pods(cluster, 1)


def test_workers_become_more_and_never_fewer(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    launcher.start(PYTHON, 1)
    launcher.scale(REQUEST_ID, 4)
    pods(cluster, 4)
    launcher.scale(REQUEST_ID, 2)
    assert (status := launcher.status(REQUEST_ID)) and status.workers == 4
    launcher.scale(OTHER_ID, 3)
    assert launcher.request_ids() == [REQUEST_ID]


def test_stop_takes_everything_along(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    launcher.start(PYTHON, 3)
    pods(cluster, 3)
    began = time.monotonic()
    launcher.stop(REQUEST_ID)
    launcher.stop(REQUEST_ID)
    assert time.monotonic() - began < 1.0
    assert launcher.status(REQUEST_ID) is None
    eventually(lambda: not any(objects(cluster, kind) for kind in KINDS))
    eventually(lambda: not cluster.pods(f"app={transformer_name(REQUEST_ID)}"))


def test_start_straight_after_stop(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    """What the first Deployment owned may still be there, and is about to go."""
    for _ in range(5):
        launcher.start(PYTHON, 1)
        launcher.stop(REQUEST_ID)
    eventually(lambda: _started(launcher))
    (deployment,) = objects(cluster, "Deployment")
    time.sleep(1.0)
    for kind in ("ConfigMap", "Secret"):
        owners = [found["metadata"]["ownerReferences"][0]["uid"] for found in objects(cluster, kind)]
        assert owners == [deployment["metadata"]["uid"]]


def _started(launcher: KubernetesLauncher) -> bool:
    try:
        launcher.start(PYTHON, 1)
    except Unavailable:
        return False
    return True


def test_what_the_pods_do(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    launcher.start(PYTHON, 3)
    first, second, _ = pods(cluster, 3)
    cluster.set_pod_status(first, pod_states.running(first))
    cluster.set_pod_status(second, pod_states.unschedulable(NO_ROOM))
    status = launcher.status(REQUEST_ID)
    assert status and (status.workers, status.messages_each, status.in_hand) == (3, 2, 0)
    assert status.states == {"running": 1, "unschedulable": 1, "starting": 1}
    assert status.notes == (f"Waiting for room in the cluster: {NO_ROOM}",) and not status.trouble


def test_sidecar_takes_one_message_at_a_time(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    launcher.start(XAOD, 1)
    assert (status := launcher.status(REQUEST_ID)) and status.messages_each == 1


def test_trouble_is_hopeless_when_it_lasts(cluster: AnyCluster, options: ClusterOptions) -> None:
    launcher = KubernetesLauncher(Cluster(cluster.client, cluster.namespace), replace(options, start_seconds=1.0))
    launcher.start(XAOD, 2)
    first, second = pods(cluster, 2)
    cluster.set_pod_status(first, pod_states.image_pull_back_off(first, "transformer"))
    cluster.set_pod_status(second, pod_states.unschedulable(NO_ROOM))
    status = launcher.status(REQUEST_ID)
    assert status and status.trouble == (
        f'container transformer: ImagePullBackOff: Back-off pulling image "{XAOD.image}"')
    assert not status.hopeless
    eventually(lambda: (now := launcher.status(REQUEST_ID)) and now.hopeless)


def test_trouble_that_passes_is_forgotten(cluster: AnyCluster, options: ClusterOptions) -> None:
    launcher = KubernetesLauncher(Cluster(cluster.client, cluster.namespace), replace(options, start_seconds=0.5))
    launcher.start(XAOD, 2)
    first, second = pods(cluster, 2)
    cluster.set_pod_status(first, pod_states.crash_loop(first, "transformer"))
    eventually(lambda: (now := launcher.status(REQUEST_ID)) and now.hopeless)
    cluster.set_pod_status(second, pod_states.running(second))
    status = launcher.status(REQUEST_ID)
    assert status and (status.trouble, status.hopeless) == ("", False)


def test_kills_are_remembered(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    launcher.start(PYTHON, 2)
    first, second = pods(cluster, 2)
    for restarts in (1, 2):
        cluster.set_pod_status(first, pod_states.out_of_memory(first, "worker", restarts))
        launcher.status(REQUEST_ID)
        time.sleep(1.1)  # a cluster tells the time of a kill in whole seconds
    cluster.set_pod_status(second, pod_states.evicted())
    status = launcher.status(REQUEST_ID)
    assert status and sorted(kill.worker for kill in status.kills) == sorted(
        2 * [first["metadata"]["name"]] + [second["metadata"]["name"]])


def test_without_rights_on_pods_deployments_are_looked_at(cluster: AnyCluster, options: ClusterOptions) -> None:
    launcher = KubernetesLauncher(Cluster(cluster.without_rights("pods").client, cluster.namespace), options)
    launcher.start(PYTHON, 2)
    status = launcher.status(REQUEST_ID)
    assert status and status.workers == 2 and status.states == {"starting": 2}
    assert "Pods may not be looked at" in launcher.health()
    with pytest.raises(NotAllowed):
        launcher.logs(REQUEST_ID, 10)


def test_quota_is_waited_for(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    cluster.refuse_pods()
    launcher.start(PYTHON, 2)
    eventually(lambda: (now := launcher.status(REQUEST_ID)) and now.notes)
    status = launcher.status(REQUEST_ID)
    assert status and "exceeded quota" in status.notes[0] and not status.trouble


def test_cluster_that_answers_is_well(launcher: KubernetesLauncher) -> None:
    assert launcher.health() == ""


def test_logs_of_a_transform_that_has_none(launcher: KubernetesLauncher) -> None:
    assert launcher.logs(REQUEST_ID, 10) == ""


def test_what_is_not_ours_is_left_alone(cluster: AnyCluster, launcher: KubernetesLauncher,
                                        options: ClusterOptions) -> None:
    other = KubernetesLauncher(Cluster(cluster.client, cluster.namespace), replace(options, instance="another"))
    other.start(replace(PYTHON, request_id=OTHER_ID), 1)
    launcher.start(PYTHON, 1)
    assert launcher.request_ids() == [REQUEST_ID] and other.request_ids() == [OTHER_ID]
    assert launcher.status(OTHER_ID) is None
    other.stop(OTHER_ID)


def test_object_that_the_cluster_takes_for_wrong(cluster: AnyCluster, launcher: KubernetesLauncher) -> None:
    with pytest.raises(ServiceXError, match="The cluster does not take it: .*") as raised:
        launcher.start(replace(PYTHON, request_id="Not_a_name"), 1)
    assert not isinstance(raised.value, Unavailable)


def test_cluster_that_is_away() -> None:
    from kubernetes import client
    configuration = client.Configuration(host="http://127.0.0.1:9")
    configuration.retries = False
    launcher = KubernetesLauncher(Cluster(client.ApiClient(configuration), "default"), PLAIN)
    began = time.monotonic()
    for ask in (lambda: launcher.status(REQUEST_ID), lambda: launcher.stop(REQUEST_ID), launcher.health):
        with pytest.raises(Unavailable, match="The cluster does not answer"):
            ask()
    assert time.monotonic() - began < 5.0


def test_cluster_is_known_by_a_kubeconfig_file(cluster: AnyCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig))
    assert list(Cluster(connect(internal=False), cluster.namespace).list("Pod", our_labels("testing"))) == []


def test_process_outside_a_cluster_says_so() -> None:
    with pytest.raises(InvalidSettings, match="The cluster is not known"):
        connect(internal=True)


def test_kubeconfig_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(InvalidSettings, match="KUBECONFIG"):
        connect(internal=False)


LOOK_INSIDE = """
from servicex.backends.launcher.kubernetes.cluster import Cluster, connect
print(list(Cluster(connect(internal=True), open(FOLDER + "/namespace").read()).list("Pod", {})))
"""


@pytest.mark.kubernetes
def test_process_in_a_pod_knows_its_cluster(real_cluster: AnyCluster, tmp_path: Path) -> None:
    """By the account that a cluster puts into a pod, and over TLS."""
    folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    account = tmp_path / "account"
    account.mkdir()
    access = real_cluster.access
    assert access.authority is not None
    for name, text in (("token", access.token), ("namespace", real_cluster.namespace),
                       ("ca.crt", access.authority.read_text())):
        (account / name).write_text(text)
    where = urlsplit(access.url)
    specification = {"name": "server", "command": [sys.executable, "-c", f"FOLDER = {folder!r}\n{LOOK_INSIDE}"]}
    container = Container(
        specification, {"KUBERNETES_SERVICE_HOST": str(where.hostname), "KUBERNETES_SERVICE_PORT": str(where.port)},
        [Mount(account, folder, True)], None, tmp_path / "container")
    container.start()
    assert container.wait(SECONDS)
    assert container.log_file.read_text() == "[]\n"
