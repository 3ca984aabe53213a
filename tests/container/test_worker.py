"""The image as the worker, with the rights that pods give it; `make test-docker` runs this."""
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cluster_node import node
from tests.conftest import require
from tests.container.engine import IMAGE, Engine
from tests.container.pod_container import PodContainer
from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows, ordinal
from tests.e2e.real_client import RealClient
from tests.kubernetes.fixtures import running_fake_cluster
from tests.on_cluster.conftest import FILES, urls  # noqa: F401
from tests.on_cluster.facility import WORKER_IMAGE, ClusterFacility
from tests.private_postgres import programs
from tests.private_rabbitmq import is_installed

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1800)]

WHO = """
def run_query(input_filenames=None):
    import os, awkward
    try:
        open("/proc/1/environ").read()
        secret = 1
    except OSError:
        secret = 0
    keys = sum("MINIO" in name or "RABBIT" in name for name in os.environ)
    return awkward.Array({"user": [os.getuid()], "secret": [secret + keys]})
"""


@pytest.fixture(scope="module")
def facility(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterFacility]:
    """The server, with a cluster that runs pods by Docker."""
    require(is_installed() and programs(), "RabbitMQ or PostgreSQL is not here")
    require(os.geteuid() == 0, "pods mount folders that only root may give them")
    engine.say("tag", IMAGE, WORKER_IMAGE)
    folder = tmp_path_factory.mktemp("pods")
    (folder / "server").mkdir()
    with pytest.MonkeyPatch.context() as patched, running_fake_cluster(folder / "cluster") as cluster:
        patched.setattr(node, "Container", partial(PodContainer, engine))
        with ClusterFacility(folder / "server", cluster, {}) as running:
            yield running


def test_the_main_job_by_pods_of_the_image(facility: ClusterFacility, urls: list[str],  # noqa: F811
                                           samples: Path, client_bin: Path, tmp_path: Path) -> None:
    client = RealClient(client_bin, tmp_path / "client", facility.address)
    delivered = client.deliver([{"name": "muons", "query": "funcadl", "files": urls}])["muons"]
    assert "error" not in delivered, facility.node.log()[-3000:]
    rows = [delivered_rows(item, COLUMNS["funcadl"], tmp_path) for item in delivered["items"]]
    assert sorted(rows, key=ordinal) == sorted((EXPECTED["funcadl"](samples / name) for name in FILES), key=ordinal)


def test_programs_run_as_another_user_and_find_no_keys(facility: ClusterFacility, urls: list[str],  # noqa: F811
                                                       client_bin: Path, tmp_path: Path) -> None:
    client = RealClient(client_bin, tmp_path / "client", facility.address)
    delivered = client.deliver([{"name": "who", "query": WHO, "files": urls[:1]}])["who"]
    assert "error" not in delivered, facility.node.log()[-3000:]
    (item,) = delivered["items"]
    assert delivered_rows(item, ["user", "secret"], tmp_path) == [{"user": 1001, "secret": 0}]
