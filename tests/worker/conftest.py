"""A RabbitMQ and an S3 store for this folder, and small input files."""
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import require
from tests.private_rabbitmq import PrivateRabbitMq, is_installed
from tests.s3_server import S3Server
from tests.transformer.conftest import QUERY, write_events
from tests.worker.site import Site


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[PrivateRabbitMq]:
    require(is_installed(), "Debian's rabbitmq-server is not here")
    with PrivateRabbitMq() as private:
        yield private


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3") / "data") as server:
        yield server


@pytest.fixture
def make_site(rabbitmq: PrivateRabbitMq, s3: S3Server) -> Iterator[Callable[..., Site]]:
    """Makes a site for a user's program; all end with the test."""
    with ExitStack() as ends:
        yield lambda query=QUERY: ends.enter_context(Site(rabbitmq, s3, query))


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Twenty files with 10 events each."""
    folder = tmp_path_factory.mktemp("inputs")
    return [str(write_events(folder / f"input-{number}.root", 10)) for number in range(20)]
