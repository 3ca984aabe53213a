"""Fixtures with clusters. A folder of tests has them by importing all of them into its conftest."""
import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import require
from tests.kubernetes.cluster import Access, Asker, Cluster
from tests.kubernetes.fake import FakeKubernetes
from tests.kubernetes.real.control_plane import ControlPlane
from tests.kubernetes.real.programs import are_built
from tests.kubernetes.real.rights import RealRights

_numbers = itertools.count(1)


class FakeRights:
    """See `Rights`."""

    def __init__(self, fake: FakeKubernetes):
        self._fake = fake

    def limited_token(self, namespace: str, denied: set[tuple[str, str]]) -> str:
        """See `Rights`."""
        return self._fake.limited_token(f"limited-{next(_numbers)}", namespace, denied)

    def refuse_pods(self, namespace: str) -> None:
        """See `Rights`."""
        self._fake.refuse_pods("pods is forbidden: exceeded quota: no-pods, requested: pods=1, used: pods=0, limited: "
                               "pods=0")


@contextmanager
def running_fake_cluster(folder: Path) -> Iterator[Cluster]:
    """A fake cluster, which keeps its files in that folder."""
    with FakeKubernetes(f"test-{next(_numbers)}") as fake:
        yield Cluster(Access(fake.url, fake.token), fake.namespace, folder, FakeRights(fake), fake)


@pytest.fixture
def fake_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A fake cluster of the test's own."""
    with running_fake_cluster(tmp_path / "cluster") as found:
        yield found


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One real control plane for the session."""
    require(are_built(), "no Kubernetes was built: 'make test-kubernetes' does that")
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def real_cluster(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Cluster]:
    """A namespace of the test's own in a real cluster; it is deleted afterwards, without waiting for that."""
    namespace, admin = f"test-{secrets.token_hex(4)}", Asker(control_plane.access)
    admin.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    yield Cluster(control_plane.access, namespace, tmp_path / "cluster", RealRights(control_plane))
    admin.ask("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.kubernetes)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A cluster with a namespace of the test's own: the fake, and by `make test-kubernetes` a real one too."""
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found
