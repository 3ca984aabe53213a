"""A real API server takes the objects in deploy/kubernetes, and with the rights they give transformers are launched."""
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from kubernetes.client import ApiClient

from servicex.backends.launcher.kubernetes.cluster import Cluster, NotAllowed
from servicex.backends.launcher.kubernetes.launcher import KubernetesLauncher
from tests.deploy.manifests import Object, every_object, the
from tests.kubernetes.cluster import Cluster as RealCluster
from tests.launcher.kubernetes.jobs import PLAIN, PYTHON, REQUEST_ID

pytestmark = pytest.mark.kubernetes
SECONDS = 20.0
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


def apply(cluster: RealCluster, one: Object) -> None:
    """As `kubectl apply` does with what is not there yet."""
    version = one["apiVersion"]
    plural = PLURALS.get(one["kind"], f"{one['kind'].lower()}s")
    root = "apis" if "/" in version else "api"
    cluster.ask("POST", f"/{root}/{version}/namespaces/{cluster.namespace}/{plural}", one)


def as_the_server(cluster: RealCluster) -> ApiClient:
    """A client with the rights of the server's account and no other."""
    client = cluster.access.client()
    account = the("ServiceAccount")["metadata"]["name"]
    client.set_default_header("Impersonate-User", f"system:serviceaccount:{cluster.namespace}:{account}")
    return client


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not so within {SECONDS:.0f} s"
        time.sleep(0.1)


def test_the_role_is_needed_and_enough(real_cluster: RealCluster) -> None:
    options = replace(PLAIN, namespace=real_cluster.namespace)
    launcher = KubernetesLauncher(Cluster(as_the_server(real_cluster), real_cluster.namespace), options)
    with pytest.raises(NotAllowed):
        launcher.start(PYTHON, 1)
    for _, one in every_object():
        apply(real_cluster, one)
    eventually(lambda: _starts(launcher))
    launcher.scale(REQUEST_ID, 2)
    eventually(lambda: len(real_cluster.pods(f"app=transformer-{REQUEST_ID}")) == 2)
    assert launcher.logs(REQUEST_ID, 10) == ""
    status = launcher.status(REQUEST_ID)
    assert status is not None and not launcher.health()
    launcher.stop(REQUEST_ID)
    eventually(lambda: not real_cluster.pods(f"app=transformer-{REQUEST_ID}"))
    launcher.close()


def _starts(launcher: KubernetesLauncher) -> bool:
    """Whether the rights are heeded already."""
    try:
        launcher.start(PYTHON, 1)
    except NotAllowed:
        return False
    return True
