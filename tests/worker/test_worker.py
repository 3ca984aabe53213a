"""One transform's worker: what it reports, and what it does when something around it goes away."""
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import uproot

from servicex.backends.launcher.object_names import object_name
from tests.s3_server import S3Server
from tests.worker.site import Site, eventually

# A program that says when it begins, then waits for a file: {folder} is where.
SLOW = """
import os, time
def run_query(tree):
    open({folder!r} + "/begun-" + str(os.getpid()), "w").close()
    while not os.path.exists({folder!r} + "/go"):
        time.sleep(0.02)
    return tree['x'].array(library='np') * 2
"""

# The child's parent is the warm parent, and the parent of that the worker.
KILLS_ITS_WORKER = """
import os
def run_query(tree):
    with open(f"/proc/{os.getppid()}/stat") as file:
        os.kill(int(file.read().rpartition(")")[2].split()[1]), 9)
"""


class Gate:
    """Where programs wait till the test lets them go on."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.query = SLOW.format(folder=str(folder))

    def begun(self, count: int = 1) -> bool:
        """Whether so many children have begun."""
        return len(list(self.folder.glob("begun-*"))) >= count

    def open(self) -> None:
        """Let programs go on."""
        (self.folder / "go").touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def values(site: Site, name: str, folder: Path) -> list[float]:
    """The column of a result."""
    content = site.store.open(site.request_id, name)
    path = folder / "result.root"
    path.write_bytes(content.part(0, content.info.size).read())
    with uproot.open(path) as file:
        return list(numpy.asarray(file["servicex"]["x"].array()))


def test_files_are_transformed_stored_and_reported(site: Site, inputs: list[str], tmp_path: Path) -> None:
    site.publish(inputs)
    worker = site.start()
    reports = site.reported(len(inputs))
    assert {r["file-id"] for r in reports} == set(range(1, 21)) and len(reports) == 20
    one = next(r for r in reports if r["file-id"] == 3)
    name = object_name((inputs[2],), "root-file")
    assert (one["status"], one["file-path"], one["s3-object-name"], one["total-events"]) == (
        "success", inputs[2], name, 10)
    assert (one["attempts"], one["place"]["host_name"], one["requestId"]) == (1, "pod-0", site.request_id)
    assert one["object-size"] == one["total-bytes"] == site.store.open(site.request_id, name).info.size
    assert sorted(site.objects()) == sorted(object_name((path,), "root-file") for path in inputs)
    assert values(site, name, tmp_path) == [2.0 * x for x in range(10)]
    (event,) = eventually(lambda: site.events(3))
    assert (event["status-code"], event["pod-name"], event["info"]) == ("start", "pod-0", "on node node-7")
    eventually(site.drained)
    worker.tell_to_end()
    assert worker.status() == 0
    assert site.endpoint.split("/")[5] not in site.logs(), "the token opens the server's door"


def test_failure_is_told_with_the_users_own_trace(make_site: Callable[..., Site], inputs: list[str]) -> None:
    site = make_site("def run_query(tree):\n    print('about to fail')\n    return tree['none'].array()\n")
    site.publish(inputs[:1])
    site.start(POD_NAME="worker-1")
    (report,) = site.reported(1)
    assert (report["status"], report["file-path"]) == ("failure", inputs[0])
    error = report["error"]
    assert error["class"] == "KeyInFileError" and "tree['none']" in error["trace"]
    assert "about to fail" in error["log"] and "s3-object-name" not in report


def test_killed_child_is_another_attempt(make_site: Callable[..., Site], inputs: list[str]) -> None:
    """As the kernel does for want of memory."""
    site = make_site("import os\ndef run_query(tree):\n    os.kill(os.getpid(), 9)\n")
    site.publish(inputs[:1])
    site.start(MAX_ATTEMPTS="2")
    (report,) = site.reported(1)
    assert (report["error"]["class"], report["attempts"]) == ("WorkerDied", 2)
    assert [event["status-code"] for event in site.events(1)] == ["start", "retry", "start"]


def test_message_of_a_killed_worker_comes_again(make_site: Callable[..., Site], inputs: list[str], gate: Gate) -> None:
    site = make_site(gate.query)
    site.publish(inputs[:3])
    first = site.start()
    second = site.start()
    eventually(lambda: gate.begun(2))
    first.kill()
    gate.open()
    assert sorted(r["file-id"] for r in site.reported(3)) == [1, 2, 3]
    eventually(site.drained)
    assert len(site.objects()) == 3
    assert second.process.poll() is None


def test_file_that_kills_its_workers_is_given_up(make_site: Callable[..., Site], inputs: list[str]) -> None:
    site = make_site(KILLS_ITS_WORKER)
    with site.kept_queue():
        site.publish(inputs[:1])
        for _ in range(2):
            assert site.start(MAX_ATTEMPTS="2").status() == -9
        site.start(MAX_ATTEMPTS="2")
        (report,) = site.reported(1)
        eventually(site.drained)
    assert (report["file-id"], report["status"], report["attempts"]) == (1, "failure", 2)
    assert report["error"]["class"] == "WorkerKilled"


def test_worker_told_to_end_finishes_its_file_and_gives_back_the_others(
        make_site: Callable[..., Site], inputs: list[str], gate: Gate) -> None:
    site = make_site(gate.query)
    first, others = site.start(), site.start()
    eventually(lambda: (state := site.broker.state(site.queue)) and state.consumers == 2)
    site.publish(inputs[:4])
    eventually(lambda: gate.begun(2))
    first.tell_to_end()
    time.sleep(0.5)
    assert first.process.poll() is None
    gate.open()
    assert first.status() == 0
    reports = site.reported(4)
    assert sorted(r["file-id"] for r in reports) == [1, 2, 3, 4]
    assert {r["attempts"] for r in reports} == {1}, "what was given back was not begun"
    assert sorted(r["place"]["host_name"] for r in reports) == ["pod-0", "pod-1", "pod-1", "pod-1"]
    assert others.process.poll() is None


def test_file_that_takes_longer_than_the_grace_goes_back(
        make_site: Callable[..., Site], inputs: list[str], gate: Gate) -> None:
    site = make_site(gate.query)
    site.publish(inputs[:1])
    first = site.start("--grace=1")
    eventually(gate.begun)
    site.start()
    eventually(lambda: (state := site.broker.state(site.queue)) and state.consumers == 2)
    first.tell_to_end()
    assert first.status() == 0
    gate.open()
    (report,) = site.reported(1)
    assert (report["place"]["host_name"], report["status"], report["attempts"]) == ("pod-1", "success", 2)


def test_queue_that_was_deleted_ends_the_worker(site: Site, inputs: list[str]) -> None:
    worker = site.start("--patience=2")
    site.publish(inputs[:1])
    site.reported(1)
    site.broker.delete(site.queue)
    time.sleep(1)
    assert worker.process.poll() is None
    assert worker.status() == 0
    assert site.broker.state(site.queue) is None, "it does not make the queue again"


def test_queue_that_is_made_again_is_served(site: Site, inputs: list[str]) -> None:
    site.start("--patience=30")
    site.publish(inputs[:1])
    site.reported(1)
    site.broker.delete(site.queue)
    time.sleep(0.5)
    site.broker.declare(site.queue)
    site.publish(inputs[:2])
    assert [r["file-id"] for r in site.reported(2)] == [1, 2], "the first was reported and is not done again"
    eventually(site.drained)


def test_broker_that_restarts(make_site: Callable[..., Site], inputs: list[str], gate: Gate) -> None:
    site = make_site(gate.query)
    worker = site.start("--patience=30")
    site.publish(inputs[:2])
    eventually(gate.begun)
    site.rabbitmq.restart()
    gate.open()
    reports = site.reported(2)
    site.broker.declare(site.queue)
    site.publish(inputs[:3])
    reports = site.reported(3)
    assert sorted(r["file-id"] for r in reports) == [1, 2, 3]
    eventually(site.drained)
    assert worker.process.poll() is None


def test_server_that_is_away(site: Site, inputs: list[str]) -> None:
    site.refusing = 503
    site.publish(inputs[:3])
    site.start()
    site.reported(3)
    assert {r["file-id"] for r in site.reports()} != {1, 2, 3}, "a message is kept till its report was taken"
    site.refusing = 0
    eventually(lambda: {r["file-id"] for r in site.reports()} == {1, 2, 3})
    eventually(site.drained)


@pytest.mark.parametrize("status", [403, 404])
def test_server_that_knows_no_such_transform(site: Site, inputs: list[str], status: int) -> None:
    site.refusing = status
    site.publish(inputs[:3])
    site.start()
    assert len(site.reported(3)) == 3
    eventually(site.drained)


def test_store_that_is_away(make_site: Callable[..., Site], inputs: list[str], gate: Gate, s3: S3Server) -> None:
    site = make_site(gate.query)
    site.publish(inputs[:2])
    site.start(MAX_ATTEMPTS="1")
    eventually(gate.begun)
    s3.stop()
    gate.open()
    time.sleep(3)
    assert not site.reports()
    s3.start()
    assert [(r["status"], r["attempts"]) for r in site.reported(2)] == [("success", 1)] * 2
    assert len(site.objects()) == 2


def test_bucket_that_was_deleted(site: Site, inputs: list[str]) -> None:
    site.store.delete(site.request_id)
    site.publish(inputs[:1])
    site.start(MAX_ATTEMPTS="2")
    (report,) = site.reported(1)
    assert (report["error"]["class"], report["attempts"]) == ("ResultNotStored", 2)


def test_results_on_a_volume(site: Site, inputs: list[str], tmp_path: Path) -> None:
    site.publish(inputs[:2], destination="volume")
    site.start(destination="volume", RESULTS_VOLUME=str(tmp_path), TRANSFORMER_PERSISTENCE_SUBDIR="out")
    names = {r["s3-object-name"] for r in site.reported(2)}
    assert {path.name for path in (tmp_path / "out" / site.request_id).iterdir()} == names
    assert site.objects() == []


def test_message_that_is_none_is_thrown_away(site: Site, inputs: list[str]) -> None:
    import pika
    with pika.BlockingConnection(pika.URLParameters(site.rabbitmq.url)) as connection:
        for body in (b"", b"{}", b'[[], {"request_id": 1}, {}]', b"[" * 100_000):
            connection.channel().basic_publish("", site.queue, body)
    site.publish(inputs[:1])
    site.start()
    site.reported(1)
    eventually(site.drained)
    assert site.logs().count("a message is thrown away") == 4


@pytest.mark.parametrize("options, words", [
    (["--child-user=0"], "other than root"), (["--child-user=www-data"], "other than root"),
    (["--child-user=same", "--x509=/none"], "--x509"), (["--child-user=same", "--program=/none"], "--program"),
    (["--child-user=same", "--request-id=../x"], "no request id")])
def test_what_makes_it_impossible_is_said(site: Site, options: list[str], words: str) -> None:
    worker = site.start(*options)
    assert worker.status() == 1
    assert words in site.logs()
    assert "Traceback" not in site.logs()


def test_broker_and_keys_that_are_missing_are_said(site: Site) -> None:
    settings: list[dict[str, Any]] = [{"RABBIT_MQ_URL": ""}, {"MINIO_URL": ""}]
    for without in settings:
        assert site.start(**without).status() == 1
    assert "needs RABBIT_MQ_URL" in site.logs() and "needs MINIO_URL" in site.logs()
