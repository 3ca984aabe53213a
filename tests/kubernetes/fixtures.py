"""Fixtures with clusters. A folder of tests has them by importing them into its conftest."""
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Access, Cluster
from tests.kubernetes.fake import FakeKubernetes

_numbers = itertools.count(1)


class FakeRights:
    """The users of the fake."""

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


@pytest.fixture(params=["fake"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A cluster with a namespace of the test's own: the fake."""
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found
