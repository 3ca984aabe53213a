"""A finder on each version of the library, run as a Celery worker, and a server that asks them."""
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import require
from tests.did_finder_library.asking_server import AskingServer, asking_server
from tests.private_rabbitmq import PrivateRabbitMq
from tests.setup.finder_libraries import VERSIONS, finder_library_works
from tests.setup.places import finder_venv

STOP_SECONDS = 20.0


def scheme_of(version: str) -> str:
    """The scheme that the finder on a version of the library serves."""
    return "lib" + version.replace(".", "_")


@contextmanager
def finder_worker(version: str, rabbitmq_url: str, folder: Path) -> Iterator[None]:
    """The finder, run as deployments do. It waits for the file `gate` in the folder where a DID asks for that."""
    queue = f"did_finder_{scheme_of(version)}"
    command = [str(finder_venv(version) / "bin" / "celery"), f"--broker={rabbitmq_url}", "-A", "finder_app", "worker",
               "--loglevel=info", "-Q", queue, "--concurrency=1", f"--hostname={queue}@%h"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parent),
                   "SCHEME": scheme_of(version), "GATE": str(folder / "gate"), "C_FORCE_ROOT": "1"}
    with (folder / f"{version}.log").open("wb") as log, subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def finders_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the finders log, and look for the file `gate`."""
    return tmp_path_factory.mktemp("finders")


@pytest.fixture(scope="module")
def finders(rabbitmq: PrivateRabbitMq, finders_folder: Path) -> Iterator[None]:
    """A finder on each version, at work."""
    missing = [version for version in VERSIONS if not finder_library_works(version)]
    require(not missing, f"no working DID finder library {', '.join(missing)}")
    with ExitStack() as stack:
        for version in VERSIONS:
            stack.enter_context(finder_worker(version, rabbitmq.url, finders_folder))
        yield


@pytest.fixture(scope="module")
def asking(rabbitmq: PrivateRabbitMq, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskingServer]:
    """A server that knows the schemes of all of them."""
    folder, schemes = tmp_path_factory.mktemp("asking"), map(scheme_of, VERSIONS)
    with asking_server(folder, rabbitmq.url, schemes, LOOKUP_ATTEMPTS=1) as server:
        yield server
