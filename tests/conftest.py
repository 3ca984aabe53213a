"""Fixtures for all tests: what is skipped where, physics files, the real client, a PostgreSQL, a running server."""
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.private_postgres import HASTY, PrivatePostgres, programs
from tests.private_rabbitmq import PrivateRabbitMq, is_installed
from tests.running_server import RunningServer, is_built
from tests.s3_server import S3Server
from tests.setup.client import client_works
from tests.setup.code_generator import code_generator_works
from tests.setup.places import client_venv, code_generator_venv, samples_folder
from tests.setup.samples import missing_samples

CHROMIUM = shutil.which("chromium")


def require(condition: object, reason: str) -> None:
    """Skip the test with the reason unless the condition holds. With `CI=true` every skip is a failure, see below."""
    if not condition:
        pytest.skip(f"{reason} ('make test' installs it where it can)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Turn a skip into a failure where `CI=true`: what a machine without a service says must not count as tested."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI=true allows no skip: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder with `nano_dy.root`, `nano_dimuon.root` (CMS NanoAOD) and `PHYSLITE_example.root` (ATLAS)."""
    require(not missing_samples(), f"physics files are not in {samples_folder()}: {', '.join(missing_samples())}")
    return samples_folder()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of a process: Playwright does not run twice in it."""
    require(CHROMIUM, "Debian's chromium is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def client_bin() -> Path:
    """The `bin` folder of the virtual environment with the real client: its `python` and its command `servicex`."""
    require(client_works(client_venv()), f"no working ServiceX client in {client_venv()}")
    return client_venv() / "bin"


@pytest.fixture(scope="session")
def code_generator_python() -> Path:
    """A Python with the library that real code generators are built on."""
    require(code_generator_works(code_generator_venv()), f"no servicex-code-gen-lib in {code_generator_venv()}")
    return code_generator_venv() / "bin" / "python"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A real PostgreSQL of this test session, without durability. Who stops it starts it again."""
    require(programs(), "PostgreSQL is not here")
    private = PrivatePostgres(HASTY)
    try:
        private.start()
        yield private
    finally:
        private.remove()


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, empty PostgreSQL database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[PrivateRabbitMq]:
    """A real RabbitMQ of this test session. Who stops it starts it again."""
    require(is_installed(), "Debian's rabbitmq-server is not here")
    with PrivateRabbitMq() as private:
        yield private


@pytest.fixture
def rabbitmq_url(rabbitmq: PrivateRabbitMq) -> str:
    """Where that RabbitMQ is, with its user and password."""
    return rabbitmq.url


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[RunningServer]:
    """One running `servicex-app up` for the session, which may read the physics files and its own `files` folder."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("server")
    files = folder / "files"
    files.mkdir()
    running = RunningServer(folder / "data", allowed=[files, samples])
    with running:
        yield running


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 store for the session."""
    with S3Server(tmp_path_factory.mktemp("s3") / "data") as server:
        yield server
