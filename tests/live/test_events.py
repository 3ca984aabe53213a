"""Streams and waiting answers of a running embedded server."""
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import require
from tests.live.streams import Streams
from tests.running_server import RunningServer, is_built

HEARTBEAT = 1.0
WAITS = """
def run_query(input_filenames=None):
    import os, time
    while not os.path.exists({go!r}):
        time.sleep(0.05)
    raise ValueError("the test said so")
"""


class Slow:
    """A transform that ends when it is told to."""

    def __init__(self, server: RunningServer, name: str):
        self._go = server.files / f"{name}.go"
        (server.files / f"{name}.root").touch()
        answer = requests.post(f"{server.address}/servicex/transformation", timeout=30, json={
            "file-list": [str(server.files / f"{name}.root")], "codegen": "python", "result-format": "parquet",
            "selection": b64encode(WAITS.format(go=str(self._go)).encode()).decode()})
        assert answer.status_code == 200, answer.text
        self.request_id = str(answer.json()["request_id"])
        self.path = f"/servicex/transformation/{self.request_id}"

    def end(self) -> None:
        """Have it end."""
        self._go.touch()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that holds 40 streams, and serves four other requests at once."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("events")
    (folder / "files").mkdir()
    with RunningServer(folder / "data", [folder / "files"], environment={
            "MOST_STREAMS": "40", "THREADS": "4", "STREAM_HEARTBEAT_SECONDS": str(HEARTBEAT)}) as running:
        yield running


@pytest.fixture
def slow(server: RunningServer, request: pytest.FixtureRequest) -> Iterator[Slow]:
    transform = Slow(server, request.node.name)
    yield transform
    transform.end()


def test_stream_tells_of_each_change_and_ends_with_the_transform(server: RunningServer, slow: Slow) -> None:
    with Streams(server.address, f"{slow.path}/events", 1) as streams:
        streams.wait_for(b"event: state")
        streams.wait_for(b"nothing new")
        slow.end()
        streams.wait_for(b'"Fatal"')
        streams.wait_for_ends()
        states = streams.states()
        assert states[0]["terminal"] is False and states[-1]["terminal"] is True
        assert "the test said so" in states[-1]["failure-info"]
        (answer,) = streams.answers.values()
        assert b"content-type: text/event-stream" in answer.lower()


def test_who_comes_again_is_told_only_what_is_new(server: RunningServer, slow: Slow) -> None:
    with Streams(server.address, f"{slow.path}/events", 1) as streams:
        streams.wait_for(b"\n\n")
        streams.wait_for(b"event: state")
        streams.wait_for(b"nothing new")
        (answer,) = streams.answers.values()
    last = answer.decode().rpartition("id: ")[2].split()[0]
    with Streams(server.address, f"{slow.path}/events", 1, f"Last-Event-ID: {last}\r\n") as streams:
        streams.wait_for(b"nothing new")
        assert streams.states() == []
        slow.end()
        streams.wait_for_ends()
        (answer,) = streams.answers.values()
        assert streams.states()[-1]["status"] == "Fatal"
    last = answer.decode().rpartition("id: ")[2].split()[0]
    again = requests.get(f"{server.address}{slow.path}/events", headers={"Last-Event-ID": last}, timeout=30)
    assert again.status_code == 204, "a browser asks no more"


def test_several_are_told_in_one_stream(server: RunningServer, slow: Slow) -> None:
    other = Slow(server, "another")
    path = f"/servicex/transformation/events?ids={slow.request_id},{other.request_id},nothing"
    with Streams(server.address, path, 1) as streams:
        streams.wait_for(slow.request_id.encode())
        streams.wait_for(other.request_id.encode())
        other.end()
        streams.wait_for(b'"Fatal"')
        assert not streams.ended
        slow.end()
        streams.wait_for_ends()
    listed = requests.get(f"{server.address}{path.replace('events', 'states')}", timeout=30).json()["transforms"]
    assert {one["status"] for one in listed} == {"Fatal"} and len(listed) == 2


@pytest.mark.parametrize("ids", ["", ",", "x," * 101])
def test_list_of_ids_is_bounded(server: RunningServer, ids: str) -> None:
    for route in ("events", "states"):
        answer = requests.get(f"{server.address}/servicex/transformation/{route}", params={"ids": ids}, timeout=30)
        assert answer.status_code == 400, answer.text


def test_status_waits_for_a_change(server: RunningServer, slow: Slow) -> None:
    status = f"{server.address}{slow.path}/status"
    version = requests.get(status, timeout=30).headers["ETag"]
    assert requests.get(status, params={"wait": 20, "since": "another"}, timeout=10).json()["status"] == "Running"
    begun = time.monotonic()
    assert requests.get(status, params={"wait": 1}, timeout=30).headers["ETag"] == version
    assert time.monotonic() - begun >= 0.9
    threading.Timer(0.5, slow.end).start()
    changed = requests.get(status, params={"wait": 30, "since": version}, timeout=40)
    assert changed.json()["status"] == "Fatal" and changed.headers["ETag"] != version
    begun = time.monotonic()
    assert requests.get(status, params={"wait": 30, "since": changed.headers["ETag"]}, timeout=20).status_code == 200
    assert time.monotonic() - begun < 10, "what has ended does not change"


def test_status_waits_no_longer_than_a_minute(server: RunningServer, slow: Slow) -> None:
    assert requests.get(f"{server.address}{slow.path}/status?wait=61", timeout=30).status_code == 400


def test_beyond_the_most_streams_one_is_sent_away_and_others_are_served(server: RunningServer, slow: Slow) -> None:
    with Streams(server.address, f"{slow.path}/events", 40) as streams:
        streams.wait_for(b"event: state")
        for path in (f"{slow.path}/events", f"{slow.path}/status?wait=1"):
            answer = requests.get(server.address + path, timeout=30)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), answer.text
        begun = time.monotonic()
        assert requests.get(f"{server.address}{slow.path}/status", timeout=30).status_code == 200
        assert time.monotonic() - begun < 5
    wait_for_room(server, slow, 40)


def wait_for_room(server: RunningServer, slow: Slow, most: int) -> None:
    """Fail unless all places are free again, though nobody has said good-bye."""
    deadline = time.monotonic() + 4 * HEARTBEAT + 10
    while True:
        with Streams(server.address, f"{slow.path}/events", most) as streams:
            streams.wait_for(b"\r\n\r\n")
            if streams.statuses() == {"200": most}:
                return
        assert time.monotonic() < deadline, streams.statuses()
        time.sleep(0.5)


def test_a_look_at_the_headers_takes_no_place(server: RunningServer, slow: Slow) -> None:
    wait_for_room(server, slow, 1)
    for _ in range(45):
        assert requests.head(f"{server.address}{slow.path}/events", timeout=30).status_code == 200


def test_server_that_is_told_to_end_does(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    running = RunningServer(tmp_path / "data", [tmp_path / "files"])
    with running:
        transform = Slow(running, "one")
        with Streams(running.address, f"{transform.path}/events", 20) as streams:
            streams.wait_for(b"event: state")
            begun = time.monotonic()
            running.stop()
            assert time.monotonic() - begun < 10
            streams.wait_for_ends()
    assert "Traceback" not in running.log()
