"""A client that comes back, a client that dies, a client that changes its mind."""
import time
from pathlib import Path
from typing import Any

import requests

from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows
from tests.e2e.real_client import RealClient
from tests.running_server import RunningServer

SLOW = """
def run_query(input_filenames=None):
    import time, uproot
    time.sleep({seconds})
    with uproot.open({{input_filenames: "Events"}}) as events:
        return events.arrays(["nJet", "Jet_pt"])
"""


def transforms_called(server: RunningServer, title: str) -> list[dict[str, Any]]:
    """The server's records of the transforms with this title."""
    listed = requests.get(f"{server.address}/servicex/transformation", timeout=5).json()["requests"]
    return [transform for transform in listed if transform["title"] == title]


def wait_for(server: RunningServer, title: str, *statuses: str, seconds: float = 20.0) -> dict[str, Any]:
    """The transform with this title as soon as its status is one of these."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for transform in transforms_called(server, title):
            if transform["status"] in statuses:
                return transform
        time.sleep(0.1)
    seen = transforms_called(server, title)
    raise AssertionError(f"{title} is not {' or '.join(statuses)} after {seconds} s: {seen}")


def test_the_same_query_again_comes_from_the_clients_cache(client: RealClient, server: RunningServer,
                                                           nano_files: list[Path]) -> None:
    wanted = [{"name": "again", "query": "raw", "files": [str(nano_files[0])]}]
    first = client.deliver(wanted)
    assert first == client.deliver(wanted)
    assert first["again"]["items"]
    assert len(transforms_called(server, "again")) == 1


def test_a_client_that_was_killed_resumes_its_transform(client: RealClient, server: RunningServer,
                                                        nano_files: list[Path], tmp_path: Path) -> None:
    wanted = [{"name": "resumed", "query": SLOW.format(seconds=5), "files": [str(nano_files[0])]}]
    killed = client.begin(wanted)
    submitted = wait_for(server, "resumed", "Running")
    client.wait_until_noted(submitted["request_id"])
    killed.kill()
    (item,) = client.deliver(wanted)["resumed"]["items"]
    assert delivered_rows(item, COLUMNS["python"], tmp_path) == EXPECTED["python"](nano_files[0])
    assert len(transforms_called(server, "resumed")) == 1


def test_a_transform_is_cancelled_while_it_runs(client: RealClient, server: RunningServer,
                                                nano_files: list[Path]) -> None:
    delivery = client.begin([{"name": "given up", "query": SLOW.format(seconds=90), "files": [str(nano_files[0])]}])
    request_id = wait_for(server, "given up", "Running")["request_id"]
    # The command of client 3.3.1 ends with 1 although it was obeyed, so the server is asked.
    client.command("transforms", "cancel", request_id)
    assert wait_for(server, "given up", "Canceled", seconds=2)["finish-time"]
    assert "was canceled" in delivery.wait()["LocalCache"]["given up"]["error"]


def test_after_a_restart_the_results_are_still_there(client: RealClient, server: RunningServer,
                                                     nano_files: list[Path], tmp_path: Path) -> None:
    wanted = [{"name": "kept", "query": "raw", "files": [str(nano_files[0])]}]
    client.deliver(wanted)
    server.kill()
    server.start()
    (url,) = client.begin(wanted, deliveries=["URLs"]).wait()["URLs"]["kept"]["items"]
    assert delivered_rows(url, COLUMNS["raw"], tmp_path) == EXPECTED["raw"](nano_files[0])
    assert len(transforms_called(server, "kept")) == 1
