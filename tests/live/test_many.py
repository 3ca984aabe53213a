"""Five hundred streams on a server as it is by default, in production and embedded: what they cost the others."""
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy import Engine, create_engine, text, update

from servicex.models import TransformRequest, TransformStatus
from servicex.services.caller import SINGLE_USER
from servicex.services.submissions import Submission
from tests.conftest import require
from tests.databases import House
from tests.live.streams import Streams
from tests.live.test_events import Slow
from tests.private_postgres import PrivatePostgres
from tests.private_rabbitmq import PrivateRabbitMq
from tests.running_server import RunningServer, is_built
from tests.serving.test_boot import Container

MANY = 500
# Of another request, its median; alone it takes some 10 ms.
QUICK = 0.5
SECONDS_WATCHED = 4.0
# Two readers, two controllers' rounds and a health check a second would be fewer; one statement a stream were more.
MOST_TRANSACTIONS = 100


@pytest.fixture(scope="module")
def database(postgres: PrivatePostgres) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, database: str,
               rabbitmq: PrivateRabbitMq) -> Iterator[Container]:
    """gunicorn with two processes, as a container runs it."""
    require(is_built(), "the command servicex-app is not installed")
    container = Container(tmp_path_factory.mktemp("many"), {
        "SQLALCHEMY_DATABASE_URI": database, "RABBIT_MQ_URL": rabbitmq.url, "SHUTDOWN_SECONDS": "20"})
    container.start()
    container.wait_until_it_answers()
    yield container
    if container.process.poll() is None:
        container.stop()


@pytest.fixture(scope="module")
def engine(database: str) -> Iterator[Engine]:
    made = create_engine(database)
    yield made
    made.dispose()


def running(engine: Engine) -> TransformRequest:
    """A transform that nothing works on."""
    return House(engine).transforms.submit(SINGLE_USER, Submission("echo", "x", "root-file", file_list=["/a", "/b"]))


def set_to(engine: Engine, transform: TransformRequest, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(TransformRequest).where(TransformRequest.id == transform.id).values(**values))


def transactions(engine: Engine) -> int:
    """How many there were on this database so far."""
    counted = text("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
    with engine.connect() as connection:
        return int(connection.execute(counted).scalar_one())


def median_seconds(url: str, times: int = 15) -> float:
    """How long a request takes."""
    taken = []
    for _ in range(times):
        begun = time.monotonic()
        assert requests.get(url, timeout=30).status_code == 200
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def test_five_hundred_streams_starve_nobody_in_production(production: Container, engine: Engine) -> None:
    transform = running(engine)
    path = f"/servicex/transformation/{transform.request_id}"
    with Streams(production.address, f"{path}/events", MANY) as streams:
        streams.wait_for(b"event: state")
        assert streams.statuses() == {"200": MANY}
        assert median_seconds(f"{production.address}{path}/status") < QUICK

        before = transactions(engine)
        time.sleep(SECONDS_WATCHED)
        assert transactions(engine) - before < MOST_TRANSACTIONS

        set_to(engine, transform, files_completed=1)
        streams.wait_for(b'"files-completed":1')
        set_to(engine, transform, status=TransformStatus.CANCELED)
        streams.wait_for(b'"Canceled"')
        streams.wait_for_ends()


def test_server_in_production_ends_though_there_are_streams(production: Container, engine: Engine) -> None:
    transform = running(engine)
    with Streams(production.address, f"/servicex/transformation/{transform.request_id}/events", 100) as streams:
        streams.wait_for(b"event: state")
        begun = time.monotonic()
        assert production.stop() == 0
        assert time.monotonic() - begun < 12, production.log()[-2000:]
        streams.wait_for_ends()
    assert "Traceback" not in production.log()


def test_five_hundred_streams_starve_nobody_of_an_embedded_server(tmp_path: Path) -> None:
    require(is_built(), "the command servicex-app is not installed")
    (tmp_path / "files").mkdir()
    with RunningServer(tmp_path / "data", [tmp_path / "files"]) as server:
        slow = Slow(server, "slow")
        before = psutil.Process(server.pid).memory_info().rss
        with Streams(server.address, f"{slow.path}/events", MANY) as streams:
            streams.wait_for(b"event: state")
            assert streams.statuses() == {"200": MANY}
            assert median_seconds(f"{server.address}{slow.path}/status") < QUICK
            grown = psutil.Process(server.pid).memory_info().rss - before
            assert grown < 100_000 * MANY, f"{grown} bytes for {MANY} streams"
            slow.end()
            streams.wait_for(b'"Fatal"')
            streams.wait_for_ends()
        if os.environ.get("SERVICEX_TEST_FIGURES"):
            print(f"{grown / MANY:.0f} bytes a stream")
