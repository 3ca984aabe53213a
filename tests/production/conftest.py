"""One production server for this folder, with all that stands around one, and real clients of it."""
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.codegen.running_generator import real_generator
from tests.conftest import require
from tests.did_finder.xrootd_server import running_xrootd
from tests.did_finder_library.conftest import finder_worker, scheme_of
from tests.e2e.real_client import RealClient
from tests.image_check.real_registry import push, running_registry
from tests.private_postgres import programs
from tests.private_rabbitmq import is_installed
from tests.production.production import FINDER, GENERATOR, Production
from tests.running_server import is_built
from tests.setup.finder_libraries import finder_library_works

FILES = ("nano_dimuon.root", "nano_dy.root")


@pytest.fixture(scope="session")
def sources(samples: Path) -> list[Path]:
    """Two CMS NanoAOD files of 40 events each; some events have two muons or more."""
    return [samples / name for name in FILES]


@pytest.fixture(scope="session")
def production(sources: list[Path], code_generator_python: Path,
               tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """The server, at work."""
    require(is_built(), "the command servicex-app is not installed")
    require(is_installed() and programs(), "RabbitMQ or PostgreSQL is not here")
    require(shutil.which("docker-registry"), "there is no docker-registry here")
    require(finder_library_works(FINDER), f"no working DID finder library {FINDER}")
    folder = tmp_path_factory.mktemp("production")
    for name in ("registry", "generator", "finder", "server"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        registry = stack.enter_context(running_registry(folder / "registry"))
        xrootd = stack.enter_context(running_xrootd())
        generator = stack.enter_context(real_generator(code_generator_python, folder / "generator",
                                                       TRANSFORMER_SCIENCE_IMAGE=f"{registry}/science:1"))
        push(registry, "science", "1")
        for source in sources:
            shutil.copy(source, xrootd.files)
        urls = [f"{xrootd.url}/{source.name}" for source in sources]
        (folder / "finder" / "nano").write_text("\n".join(urls))
        running = stack.enter_context(Production(folder / "server", settings(folder, registry, generator), urls))
        stack.enter_context(finder_worker(FINDER, running.rabbitmq.url, folder / "finder"))
        yield running


def settings(folder: Path, registry: str, generator: str) -> dict[str, str]:
    """The settings of the server, beside where its database, broker and store are."""
    science = {name: f"{registry}/science:1" for name in ("uproot", "uproot-raw", "python")}
    return {
        "VALID_DID_SCHEMES": json.dumps([scheme_of(FINDER), "absent"]), "LOOKUP_SECONDS": "10", "LOOKUP_ATTEMPTS": "1",
        "STALL_SECONDS": "120",
        "CODE_GEN_SERVICE_URLS": json.dumps({GENERATOR: generator}), "BUILTIN_SCIENCE_IMAGES": json.dumps(science),
        "TRANSFORMER_VALIDATE_DOCKER_IMAGE": "true", "IMAGE_CHECK_FAILS_OPEN": "false",
        "ALLOWED_IMAGE_PREFIXES": json.dumps([registry]), "RESULTS_VOLUME": str(folder / "volume"),
        "TRANSFORMER_PERSISTENCE_SUBDIR": "out",
        "GUNICORN_CMD_ARGS": "--access-logfile - --access-logformat 'process=%(p)s %(m)s %(U)s %(s)s'"}


@pytest.fixture(scope="session")
def gate(production: Production) -> Path:
    """The file that the finder waits for where a DID asks for that."""
    return production.folder.parent / "finder" / "gate"


@pytest.fixture(scope="session")
def new_client(client_bin: Path, production: Production,
               tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RealClient]:
    """Makes clients, each with a cache of its own."""
    def made(address: str = production.address) -> RealClient:
        return RealClient(client_bin, tmp_path_factory.mktemp("client"), address)
    return made
