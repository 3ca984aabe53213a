"""A whole production server: each of its parts is a process that can be killed and comes back."""
import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import psycopg2
import requests

from servicex.backends.broker.base import work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from tests.s3_server import S3Server
from tests.private_postgres import PrivatePostgres
from tests.private_rabbitmq import PrivateRabbitMq
from tests.running_server import answers, free_port

BIN = Path(sys.executable).parent
SECONDS_TO_START = 60.0
RESTART_SECONDS = 0.5


class Process:
    """A program that is started again after it was killed, as Kubernetes does."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path):
        self._command = list(command)
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, start_new_session=True)

    def kill(self) -> None:
        """`kill -9` of it and of all its children."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def kill_a_child(self) -> None:
        """`kill -9` of one of its children, for instance one worker of gunicorn; that one is started again by it."""
        assert self._process is not None
        children = psutil.Process(self._process.pid).children()
        if children:
            random.choice(children).kill()

    @property
    def pids(self) -> list[int]:
        """Its process id, then those of its children."""
        assert self._process is not None
        return [self._process.pid, *(child.pid for child in psutil.Process(self._process.pid).children())]

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None


class Facility:
    """PostgreSQL, RabbitMQ, an S3 store, two API processes, two controllers, and transformers when asked for."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, controllers: int = 2):
        self.folder = folder
        self._controllers = controllers
        self.postgres = PrivatePostgres()
        self.rabbitmq = PrivateRabbitMq()
        self.store = S3Server(folder / "store")
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.secret_key = secrets.token_urlsafe(32)
        self._settings = dict(settings or {})
        self.api: Process
        self.controllers: list[Process] = []
        self.transformers: list[Process] = []
        self._ends = ExitStack()

    def __enter__(self) -> "Facility":
        with ExitStack() as ends:       # also of what was only half started
            self._start(ends)
            self._ends = ends.pop_all()
        return self

    def _start(self, ends: ExitStack) -> None:
        ends.callback(self.postgres.remove)
        self.postgres.start()
        ends.callback(self.rabbitmq.remove)
        self.rabbitmq.start()
        self.store.start()
        ends.callback(self.store.stop)
        environment = self._environment()
        subprocess.run([str(BIN / "flask"), "db", "upgrade"], env=environment, check=True, capture_output=True)
        self.api = self._process("api", [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{self.port}", "--workers", "2",
                                         "--threads", "16", "--timeout", "120", "servicex.app:app"])
        self.controllers = [self._process(f"controller{n + 1}", [str(BIN / "servicex-app"), "controller"])
                            for n in range(self._controllers)]
        for process in (self.api, *self.controllers):
            ends.callback(process.kill)
            process.start()
        self.wait_for_api()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop_transformers()
        self._ends.close()

    def _environment(self) -> dict[str, str]:
        keys = self.store.keys
        return {
            **os.environ, "FLASK_APP": "servicex.app", "SQLALCHEMY_DATABASE_URI": self.postgres.url,
            "RABBIT_MQ_URL": self.rabbitmq.url, "ADVERTISED_HOSTNAME": f"127.0.0.1:{self.port}",
            "MINIO_URL": self.store.address, "MINIO_ACCESS_KEY": keys.access_key, "MINIO_SECRET_KEY": keys.secret_key,
            "TRANSFORMER_VALIDATE_DOCKER_IMAGE": "false", "BUILTIN_SCIENCE_IMAGES": '{"uproot-raw": "science:1"}',
            "DATA_DIRECTORY": str(self.folder / "data"), "CONTROLLER_SECONDS": "1", "STALL_SECONDS": "20",
            "BROKER_URL": self.rabbitmq.url, "S3_ADDRESS": self.store.address, "S3_ACCESS_KEY": keys.access_key,
            "S3_SECRET_KEY": keys.secret_key, "SECRET_KEY": self.secret_key, **self._settings}

    def _process(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
        return Process(command, {**self._environment(), **(environment or {})},
                       self.folder / f"{name}.log")

    def wait_for_api(self) -> None:
        """Return when the API answers."""
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(self.address):
            assert time.monotonic() < deadline, f"the API does not answer:\n{self.log('api')[-3000:]}"
            time.sleep(0.1)

    def log(self, name: str) -> str:
        """What a process printed so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def submit(self, files: Sequence[str]) -> str:
        """Submit a transform of these files, each entry with its replicas; gives the request id."""
        answer = requests.post(f"{self.address}/servicex/transformation", timeout=60, json={
            "file-list": list(files), "selection": '[{"treename": "t", "filter_name": "x"}]', "codegen": "uproot-raw",
            "result-format": "parquet", "result-destination": "object-store"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def transform(self, request_id: str, workers: int, seconds: float) -> None:
        """Start transformers for a transform; `seconds` is what each file takes."""
        for _ in range(workers):
            self.transformers.append(self.run(f"transformer{len(self.transformers)}", [
                sys.executable, "-m", "tests.faults.transformer", request_id, str(seconds)]))

    def run(self, name: str, command: Sequence[str], **environment: str) -> Process:
        """Start a process with the settings of the server and, before these, those of `environment`."""
        process = self._process(name, command, environment)
        process.start()
        return process

    def stop_transformers(self) -> None:
        """End all transformers for good."""
        for transformer in self.transformers:
            transformer.kill()
        self.transformers = []

    def queues(self) -> list[str]:
        """The names of the broker's work queues."""
        broker = RabbitMqBroker(self.rabbitmq.url)
        try:
            names = [work_queue(row[0]) for row in self.query("select request_id from requests")]
            return [name for name in names if broker.state(name) is not None]
        finally:
            broker.close()

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with psycopg2.connect(self.postgres.url.replace("+psycopg2", "")) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, values)
            return cursor.fetchall()

    def status(self, request_id: str) -> dict[str, Any]:
        """The transform's row."""
        names = ("status", "files", "files_completed", "files_failed")
        (row,) = self.query(f"select {', '.join(names)} from requests where request_id = %s", request_id)
        return dict(zip(names, row, strict=True))

    def wait_until_ended(self, request_id: str, seconds: float) -> dict[str, Any]:
        """The transform's row when it has ended; fails if that takes longer than these seconds."""
        deadline = time.monotonic() + seconds
        while (row := self.status(request_id))["status"] in ("submitted", "pending_lookup", "lookup", "running"):
            assert time.monotonic() < deadline, f"not done after {seconds:.0f} s: {row}"
            time.sleep(0.2)
        return row
