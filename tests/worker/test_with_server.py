"""Our own workers with a real server: PostgreSQL, RabbitMQ, S3, API and controllers."""
import base64
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from minio import Minio

from tests.conftest import require
from tests.facility import BIN, Facility, Process
from tests.private_rabbitmq import is_installed
from tests.running_server import is_built
from tests.transformer.conftest import write_events

FILES = 250
SECONDS = 90.0
PROGRAM = "select archive from generated_programs join requests on requests.id = transform_id where request_id = %s"
DOUBLES = """
import uproot
def run_query(path):
    print("reads", path)
    return {"servicex": {"x": uproot.open(path)["events"]["x"].array() * 2}}
"""


class Plant(Facility):
    """A facility with workers of our own; `inputs` are files of 10 events each."""

    def __init__(self, folder: Path, inputs: Sequence[str]):
        super().__init__(folder, {"TRANSFORMER_WORKER_IMAGE": "ours:1", "STALL_SECONDS": "15",
                                  "ALLOWED_PATHS": json.dumps([str(folder.parent)])}, controllers=1)
        self.inputs = list(inputs)

    def submit_python(self, files: Sequence[str], source: str = DOUBLES) -> str:
        """Submit a function on a file list; gives the request id."""
        answer = requests.post(f"{self.address}/servicex/transformation", timeout=SECONDS, json={
            "file-list": list(files), "selection": base64.b64encode(source.encode()).decode(), "codegen": "python",
            "result-format": "root-file", "result-destination": "object-store"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def worker(self, request_id: str, number: int) -> Process:
        """Start a worker for a transform, as its pod would."""
        folder = self.folder / f"program-{request_id}"
        if not folder.exists():
            ((archive,),) = self.query(PROGRAM, request_id)
            zipfile.ZipFile(io.BytesIO(archive)).extractall(folder)
        process = self.run(f"worker-{request_id}-{number}", [
            str(BIN / "servicex-app"), "worker", f"--request-id={request_id}", f"--program={folder}",
            "--language=python", "--command=/generated/transform_single_file.py", "--result-format=root-file",
            "--destination=object-store", "--child-user=same", "--patience=5"],
            DATA_DIRECTORY=str(self.folder / f"scratch-{number}"), POD_NAME=f"pod-{number}")
        self.transformers.append(process)
        return process

    def objects(self, bucket: str) -> set[str]:
        """The names of the objects in a bucket, asked of the store itself."""
        store = Minio(self.store.address, self.store.keys.access_key, self.store.keys.secret_key, secure=False)
        # What the store itself has left of an upload in which it was killed is none.
        names = {str(found.object_name) for found in store.list_objects(bucket)}
        return {name for name in names if not name.startswith(".tmp.")}

    def rows(self, request_id: str) -> list[tuple[Any, ...]]:
        """Of each result its file, status, object name, size, attempts and host."""
        return self.query("select file_id, transform_status, s3_object_name, object_size, attempts, host "
                          "from transform_result where request_id = %s", request_id)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    require(is_built(), "the command servicex-app is not installed")
    require(is_installed(), "Debian's rabbitmq-server is not here")
    folder = tmp_path_factory.mktemp("plant")
    one = write_events(folder / "events.root", 10)
    names = [folder / f"input-{number}.root" for number in range(FILES)]
    for name in names:
        os.link(one, name)
    (folder / "server").mkdir()
    with Plant(folder / "server", [str(name) for name in names]) as running:
        yield running


def test_many_files_with_everything_killed_once(plant: Plant) -> None:
    request_id = plant.submit_python(plant.inputs)
    workers = [plant.worker(request_id, number) for number in range(2)]
    wait(lambda: plant.status(request_id)["files_completed"] >= 40)
    workers[0].kill()
    plant.api.kill()
    time.sleep(1)
    plant.api.start()
    plant.wait_for_api()
    plant.worker(request_id, 2)
    wait(lambda: plant.status(request_id)["files_completed"] >= 90)
    plant.rabbitmq.restart()
    wait(lambda: plant.status(request_id)["files_completed"] >= 150)
    plant.store.stop()
    time.sleep(1)
    plant.store.start()
    assert plant.wait_until_ended(request_id, SECONDS) == {
        "status": "complete", "files": FILES, "files_completed": FILES, "files_failed": 0}
    rows = plant.rows(request_id)
    names = {row[2] for row in rows}
    assert len(rows) == len({row[0] for row in rows}) == len(names) == FILES
    assert {row[1] for row in rows} == {"success"} and all(row[3] > 0 for row in rows)
    assert {row[5] for row in rows} == {"pod-0", "pod-1", "pod-2"}
    assert plant.objects(request_id) == names
    wait(lambda: not workers[1].alive)  # the queue is gone for good


def test_partial_failure_is_shown_with_the_users_own_trace(plant: Plant) -> None:
    bad = plant.folder.parent / "bad.root"
    bad.write_bytes(b"this is no ROOT file")
    request_id = plant.submit_python([*plant.inputs[:3], str(bad)])
    plant.worker(request_id, 0)
    assert plant.wait_until_ended(request_id, SECONDS)["files_failed"] == 1
    url = f"{plant.address}/servicex/transformation/{request_id}/errors"
    (failure,) = requests.get(url, timeout=SECONDS).json()["errors"]
    assert (failure["file"], failure["pod-name"], failure["attempts"]) == (str(bad), "pod-0", 3)
    assert "run_query" in failure["trace"] and "reads" in failure["log"]
    (row,) = [row for row in plant.rows(request_id) if row[1] == "failure"]
    assert row[2:5] == (None, None, 3)
    kinds = {status for status, in plant.query("select status from file_status where request_id = %s", request_id)}
    assert kinds == {"start", "retry", "finish", "failure"}


def wait(condition: Any) -> None:
    """Return when the condition holds; fail if that takes too long."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "not so in time"
        time.sleep(0.1)
