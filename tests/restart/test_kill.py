"""`kill -9` of the server at random moments, then `up` again: nothing is lost, counted twice, or seen half-written."""
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import uproot

from tests.running_server import RunningServer

SELECTION = '[{"treename": "mini", "filter_name": "pt"}]'
FILES = 60
ROWS = 50_000
SEED = 20261124


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Files that take a while each, with a different first value."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(FILES):
        with uproot.recreate(folder / f"f_{number:03}.root") as file:
            file.mktree("mini", {"pt": "float64"})
            file["mini"].extend({"pt": np.arange(ROWS) + number * float(ROWS)})
    return sorted(str(path) for path in folder.iterdir())


def submit(server: RunningServer, files: list[str], as_did: bool) -> str:
    dataset: dict[str, Any] = {"did": f"file://{Path(files[0]).parent}"} if as_did else {"file-list": files}
    answer = requests.post(f"{server.address}/servicex/transformation", timeout=30, json={
        **dataset, "selection": SELECTION, "codegen": "uproot-raw", "result-format": "root-file",
        "result-destination": "object-store"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["request_id"])


def check_objects(results: Path) -> int:
    """Every object that is visible is whole; gives how many there are."""
    objects = [path for bucket in results.iterdir() for path in bucket.iterdir() if not path.name.startswith(".")]
    for path in objects:
        with uproot.open({str(path): "mini"}) as tree:
            values = tree["pt"].array(library="np")
        assert len(values) == ROWS and values[-1] - values[0] == ROWS - 1, f"{path} is not whole"
    return len(objects)


def check_accounts(database: Path, request_ids: list[str]) -> None:
    """Every file of every transform has exactly one result, and the counters say so."""
    with sqlite3.connect(database) as connection:
        for request_id in request_ids:
            rows = connection.execute("select file_id, transform_status, s3_object_name from transform_result "
                                      "where request_id = ?", [request_id]).fetchall()
            assert len(rows) == len({r[0] for r in rows}) == len({r[2] for r in rows}) == FILES
            assert {r[1] for r in rows} == {"success"}
            counted = connection.execute("select status, files, files_completed, files_failed from requests "
                                         "where request_id = ?", [request_id]).fetchone()
            assert counted == ("complete", FILES, FILES, 0)


def run_rounds(folder: Path, files: list[str], rounds: int) -> None:
    chance = random.Random(SEED)
    # So impatient that a server which was away for a moment believes that its files were forgotten.
    server = RunningServer(folder / "data", [Path(files[0]).parent], environment={"STALL_SECONDS": "0.5"})
    request_ids: list[str] = []
    for number in range(rounds):
        server.start()
        if number % 5 == 0:
            request_ids.append(submit(server, files, as_did=number % 2 == 0))
        time.sleep(chance.uniform(0, 1.5))
        server.kill()
        check_objects(server.data / "results")
    with server:
        wait_for_all(server, request_ids, seconds=120)
    assert check_objects(server.data / "results") == FILES * len(request_ids)
    check_accounts(server.data / "servicex.sqlite", request_ids)
    assert "Traceback" not in server.log()


def wait_for_all(server: RunningServer, request_ids: list[str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for request_id in request_ids:
        while time.monotonic() < deadline:
            record = requests.get(f"{server.address}/servicex/transformation/{request_id}", timeout=10).json()
            if record["status"] not in ("Submitted", "Pending Lookup", "Lookup", "Running"):
                break
            time.sleep(0.1)
        assert record["status"] == "Complete", record


def test_ten_kills(tmp_path: Path, files: list[str]) -> None:
    run_rounds(tmp_path, files, 10)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_kills(tmp_path: Path, files: list[str]) -> None:
    run_rounds(tmp_path, files, 50)
