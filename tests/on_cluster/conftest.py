"""One facility with a cluster for this folder, the files it reads, a code generator that is a service, real clients."""
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.codegen.running_generator import real_generator
from tests.conftest import require
from tests.did_finder.xrootd_server import running_xrootd
from tests.e2e.real_client import RealClient
from tests.kubernetes.fixtures import running_fake_cluster
from tests.on_cluster.facility import SCIENCE_IMAGE, ClusterFacility
from tests.private_postgres import programs
from tests.private_rabbitmq import is_installed
from tests.running_server import is_built

FILES = ("nano_dimuon.root", "nano_dy.root")
GENERATOR = "obedient"


@pytest.fixture(scope="session")
def urls(samples: Path) -> Iterator[list[str]]:
    """Two CMS NanoAOD files of 40 events each, on a real XRootD server."""
    with running_xrootd() as xrootd:
        for name in FILES:
            shutil.copy(samples / name, xrootd.files)
        yield [f"{xrootd.url}/{name}" for name in FILES]


@pytest.fixture(scope="session")
def facility(code_generator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterFacility]:
    """The server, at work."""
    require(is_built(), "the command servicex-app is not installed")
    require(is_installed() and programs(), "RabbitMQ or PostgreSQL is not here")
    require(os.geteuid() == 0, "containers are made by mounts, for which this user has no right")
    folder = tmp_path_factory.mktemp("on-cluster")
    for name in ("generator", "server"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        cluster = stack.enter_context(running_fake_cluster(folder / "cluster"))
        generator = stack.enter_context(real_generator(code_generator_python, folder / "generator",
                                                       TRANSFORMER_SCIENCE_IMAGE=SCIENCE_IMAGE))
        yield stack.enter_context(ClusterFacility(folder / "server", cluster, {
            "CODE_GEN_SERVICE_URLS": json.dumps({GENERATOR: generator})}))


@pytest.fixture
def new_client(client_bin: Path, facility: ClusterFacility, tmp_path: Path) -> Callable[[], RealClient]:
    """Makes clients, each with a cache of its own."""
    return lambda: RealClient(client_bin, tmp_path / "client", facility.address)
