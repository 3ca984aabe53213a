"""`servicex-app queues` and `d.sh`: what is shown, what is removed, and what is said when it cannot be."""
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from servicex.backends.broker.base import work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from servicex.cli import cli
from servicex.models import TransformRequest
from servicex.services.caller import SINGLE_USER
from tests.broker.messages import work
from tests.databases import House, migrated

ROOT = Path(__file__).parents[2]


@dataclass
class World:
    """A server's database and its RabbitMQ; `queues` are removed in the end."""

    house: House
    broker: RabbitMqBroker
    environment: dict[str, str]
    queues: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["queues", *arguments], env=self.environment)

    def transform(self) -> tuple[TransformRequest, str]:
        """A transform, and its queue with a message in it."""
        transform = self.house.submit(files=["/a"])
        self.queues.append(work_queue(transform.request_id))
        self.broker.declare(self.queues[-1])
        self.broker.publish(self.queues[-1], [work(1)])
        return transform, self.queues[-1]


@pytest.fixture
def world(tmp_path: Path, rabbitmq_url: str) -> Iterator[World]:
    url = f"sqlite:///{tmp_path}/test.sqlite"
    broker = RabbitMqBroker(rabbitmq_url, seconds=30.0)
    with migrated(url) as engine:
        made = World(House(engine), broker, {"SQLALCHEMY_DATABASE_URI": url, "RABBIT_MQ_URL": rabbitmq_url})
        yield made
        for queue in made.queues:
            broker.delete(queue)
    broker.close()


def test_list_shows_queues_of_running_and_ended_transforms_and_finders(world: World) -> None:
    _, running = world.transform()
    ended, left = world.transform()
    world.house.transforms.cancel(SINGLE_USER, ended.request_id)
    world.house.submit(did="test://d")
    world.queues.append("did_finder_test")
    world.broker.publish_lookup("test", "d", 1, "http://servicex/")
    shown = world.run("list")
    assert shown.exit_code == 0, shown.output
    rows = {line.split()[0]: line.split(maxsplit=3)[1:] for line in shown.output.splitlines()}
    assert rows == {
        "queue": ["ready", "consumers", "of"], "did_finder_test": ["1", "0", "DID finder"],
        running: ["1", "0", "transform, Running"], left: ["1", "0", "transform, Canceled"]}


def test_purge_removes_what_is_named(world: World) -> None:
    (_, first), (_, second) = world.transform(), world.transform()
    done = world.run("purge", first, "no-such-queue")
    assert done.output.splitlines() == [f"{first}: removed, with 1 messages", "no-such-queue: not there"]
    assert (world.broker.depth(first), world.broker.depth(second)) == (None, 1)


def test_orphans_are_the_queues_of_ended_transforms(world: World) -> None:
    (_, running), (ended, left) = world.transform(), world.transform()
    world.house.transforms.cancel(SINGLE_USER, ended.request_id)
    assert world.run("purge", "--orphans", "--days", "0").output == ""
    assert world.run("purge", "--orphans").output == f"{left}: removed, with 1 messages\n"
    assert (world.broker.depth(left), world.broker.depth(running)) == (None, 1)


def test_purge_of_nothing_is_refused(world: World) -> None:
    done = world.run("purge")
    assert done.exit_code == 2
    assert "--orphans" in done.output


def test_a_broker_must_be_set_and_there() -> None:
    without = CliRunner().invoke(cli, ["queues", "purge", "x"], env={"RABBIT_MQ_URL": ""})
    assert without.exit_code == 1
    assert without.output.startswith("servicex-app: RABBIT_MQ_URL is not set.")
    away = CliRunner().invoke(cli, ["queues", "purge", "x"], env={"RABBIT_MQ_URL": "amqp://u:s3cret@127.0.0.1:1/"})
    assert away.exit_code == 1
    assert "127.0.0.1:1" in away.output and "s3cret" not in away.output


def test_script_of_the_readme_removes_queues(world: World) -> None:
    _, queue = world.transform()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run([str(ROOT / "d.sh"), queue], env={**os.environ, **world.environment, "PATH": path},
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{queue}: removed, with 1 messages\n"), done.stderr
    assert world.broker.depth(queue) is None
