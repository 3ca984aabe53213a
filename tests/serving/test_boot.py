"""`boot.sh` as a container runs it: several at once, before its database is there, and until a part of it dies."""
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, inspect

from servicex.models import Base
from tests.private_postgres import HASTY, PrivatePostgres
from tests.private_rabbitmq import PrivateRabbitMq
from tests.running_server import COMMAND, answers, free_port

ROOT = Path(__file__).parents[2]
SECONDS = 90.0
SECRET = "for this test and no other"


class Container:
    """`boot.sh` on a free port, with its settings in the environment."""

    def __init__(self, folder: Path, settings: Mapping[str, str]):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = folder / "log"
        self._environment = {**os.environ, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
                             "DATA_DIRECTORY": str(folder / "data"), "SECRET_KEY": SECRET,
                             "ADVERTISED_HOSTNAME": f"127.0.0.1:{self.port}", **settings}
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([ROOT / "boot.sh", "--host", "127.0.0.1", "--port", str(self.port)],
                                            env=self._environment, cwd=self._log.parent, stdout=log, stderr=log)

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS
        while not answers(self.address):
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def child(self, words: str) -> psutil.Process:
        """The program it runs whose command line has these words."""
        (found,) = (child for child in psutil.Process(self.process.pid).children()
                    if words in " ".join(child.cmdline()))
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@pytest.fixture
def production(tmp_path: Path, postgres_url: str, rabbitmq: PrivateRabbitMq) -> Iterator[Container]:
    container = Container(tmp_path, {"SQLALCHEMY_DATABASE_URI": postgres_url, "RABBIT_MQ_URL": rabbitmq.url,
                                     "GUNICORN_WORKERS": "1"})
    yield container
    if container.process.poll() is None:
        container.stop()


def test_ten_that_start_at_once_migrate_once(postgres_url: str) -> None:
    environment = {**os.environ, "SQLALCHEMY_DATABASE_URI": postgres_url}
    started = [subprocess.Popen([str(COMMAND), "db", "upgrade"], env=environment, stdout=subprocess.PIPE, text=True)
               for _ in range(10)]
    said = [process.communicate(timeout=SECONDS)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0] * 10
    assert sorted(said) == ["Migrated: empty -> v2_0_0", *["The database is at v2_0_0."] * 9]
    tables = inspect(create_engine(postgres_url, poolclass=NullPool)).get_table_names()
    assert set(tables) == {"alembic_version", *Base.metadata.tables}


def test_production_serves_until_it_is_told_to_end(production: Container) -> None:
    production.start()
    production.wait_until_it_answers()
    assert production.child("gunicorn").is_running()
    assert production.child("controller").is_running()
    assert production.stop() == 0


def test_production_ends_when_its_controller_dies(production: Container) -> None:
    production.start()
    production.wait_until_it_answers()
    gunicorn = production.child("gunicorn")
    production.child("controller").kill()
    assert production.process.wait(SECONDS) != 0
    assert not gunicorn.is_running()


def test_it_waits_for_the_database(tmp_path: Path, rabbitmq: PrivateRabbitMq) -> None:
    postgres = PrivatePostgres(HASTY)
    container = Container(tmp_path, {"SQLALCHEMY_DATABASE_URI": postgres.url, "RABBIT_MQ_URL": rabbitmq.url,
                                     "GUNICORN_WORKERS": "1"})
    container.start()
    late = threading.Timer(4, postgres.start)
    late.start()
    try:
        container.wait_until_it_answers()
        assert container.stop() == 0
    finally:
        late.join()
        container.process.kill()
        postgres.remove()


def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    container = Container(tmp_path, {"DATABASE_WAIT_SECONDS": "1", "RABBIT_MQ_URL": "amqp://127.0.0.1:1/",
                                     "SQLALCHEMY_DATABASE_URI": "postgresql://nobody@127.0.0.1:1/x"})
    container.start()
    assert container.process.wait(SECONDS) == 1
    assert "did not answer within 1 s" in container.log()


def test_a_database_of_an_earlier_server_is_left_alone(tmp_path: Path) -> None:
    container = Container(tmp_path, {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/old.sqlite"})
    with create_engine(f"sqlite:///{tmp_path}/old.sqlite").begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('v1_3_0')")
    container.start()
    assert container.process.wait(SECONDS) == 1
    assert "servicex-app db adopt" in container.log()


def test_on_sqlite_all_is_one_process(tmp_path: Path) -> None:
    """With the file of options for containers, its folders moved to where this test may write."""
    options = (ROOT / "docker-dev.conf").read_text().replace('"/', f'"{tmp_path}/').replace(":////", f":///{tmp_path}/")
    for folder in ("sqlite", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "docker-dev.conf").write_text(options)
    container = Container(tmp_path, {"APP_CONFIG_FILE": f"{tmp_path}/docker-dev.conf"})
    container.start()
    container.wait_until_it_answers()
    assert (tmp_path / "sqlite" / "app.db").exists()
    assert container.stop() == 0
