"""Real Celery workers take what we publish, and leave their queue when it is deleted."""
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servicex.backends.broker.base import work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from tests.broker.messages import work

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


@pytest.fixture
def queue() -> str:
    return work_queue(str(uuid.uuid4()))


@contextmanager
def worker(app: str, queue: str, url: str, work_queue: str, folder: Path) -> Iterator[Path]:
    """A worker of one of the apps in `celery_app.py`; gives the file that its calls are written to."""
    calls = folder / f"{app}.calls"
    command = [sys.executable, "-m", "celery", "-A", f"tests.broker.celery_app:{app}", "worker", "-Q", queue, "-c1",
               "--without-mingle", "--without-gossip", "--without-heartbeat", "-n", f"{queue}@here"]
    environment = {**os.environ, "BROKER_URL": url, "WORK_QUEUE": work_queue, "CALLS": str(calls), "C_FORCE_ROOT": "1"}
    with (folder / f"{app}.log").open("wb") as log, subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process:
        try:
            yield calls
        finally:
            process.terminate()
            try:
                process.wait(SECONDS / 2)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def read(calls: Path) -> list[list[object]]:
    return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


def test_transformer_takes_its_files_and_leaves(rabbitmq_broker: RabbitMqBroker, rabbitmq_url: str, queue: str,
                                                tmp_path: Path) -> None:
    rabbitmq_broker.declare(queue)
    rabbitmq_broker.publish(queue, [work(1), work(2)])
    with worker("transformer", queue, rabbitmq_url, queue, tmp_path) as calls:
        wait_for(lambda: len(read(calls)) == 2, "two files were transformed")
        assert sorted(read(calls)) == [
            ["r", n, [f"/data/{n}.root"], "http://localhost", "object-store", "root-file"] for n in (1, 2)]
        rabbitmq_broker.delete(queue)
        assert rabbitmq_broker.state(queue) is None
        time.sleep(2)
        assert rabbitmq_broker.state(queue) is None, "the worker did not make its queue again"


def test_finder_takes_a_lookup_from_before_and_after_its_start(rabbitmq_broker: RabbitMqBroker, rabbitmq_url: str,
                                                               queue: str, tmp_path: Path) -> None:
    rabbitmq_broker.publish_lookup("test", "a dataset", 1, "http://servicex/")
    with worker("finder", "did_finder_test", rabbitmq_url, queue, tmp_path) as calls:
        wait_for(lambda: len(read(calls)) == 1, "the look-up that waited was taken")
        rabbitmq_broker.publish_lookup("test", "another", 2, "http://servicex/")
        wait_for(lambda: len(read(calls)) == 2, "the later look-up was taken")
    assert read(calls) == [["a dataset", 1, "http://servicex/"], ["another", 2, "http://servicex/"]]
    rabbitmq_broker.delete("did_finder_test")
