"""The command `servicex-app up`: what it is told, what it takes when it is told nothing, and plain refusals."""
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from tests.running_server import COMMAND, RunningServer, free_port

ROOT = Path(__file__).parent.parent
PUBLIC = "results.example.org:9000"
SELECTION = '[{"treename": "mini", "filter_name": "pt"}]'


@pytest.fixture(scope="module")
def in_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that was not told what it may read, with another address for its results."""
    folder = tmp_path_factory.mktemp("files")
    with RunningServer(tmp_path_factory.mktemp("server") / "data", [folder], unsaid=True, environment={
            "MINIO_PUBLIC_URL": PUBLIC, "MINIO_ENCRYPT_PUBLIC": "True"}) as server:
        yield server


def submit(server: RunningServer, file: str) -> requests.Response:
    return requests.post(f"{server.address}/servicex/transformation", timeout=60, json={
        "file-list": [file], "selection": SELECTION, "codegen": "uproot-raw", "result-format": "parquet"})


def test_what_may_be_read_is_the_folder_it_was_started_in(in_folder: RunningServer) -> None:
    for inside in ("not_there.root", str(in_folder.files / "not_there.root")):
        assert submit(in_folder, inside).status_code == 200
    outside = submit(in_folder, str(in_folder.files.parent / "not_there.root"))
    assert outside.status_code == 400
    assert str(in_folder.files) in outside.json()["message"]


def test_public_address_of_the_results_is_told(in_folder: RunningServer) -> None:
    record = submit(in_folder, "not_there.root").json()
    assert (record["minio-endpoint"], record["minio-secured"]) == (PUBLIC, True)


def refusal(options: Sequence[str], tmp_path: Path) -> str:
    """The one line in which the command refuses."""
    done = subprocess.run([COMMAND, "up", "--data", tmp_path / "data", *options], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("servicex-app: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_allowed_path_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "nowhere"):
        assert f"{path} is no folder" in refusal(["--port", "0", "--allow-path", str(path)], tmp_path)


def test_host_that_nobody_knows(tmp_path: Path) -> None:
    assert "nosuch.invalid" in refusal(["--host", "nosuch.invalid", "--port", "0", "--insecure"], tmp_path)


def test_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        words = refusal(["--port", str(port)], tmp_path)
    assert f"Port {port} of 127.0.0.1 is taken" in words and "--port" in words


def test_make_run_passes_its_variables_on() -> None:
    port = free_port()
    done = subprocess.run(["make", "--dry-run", "run", f"PORT={port}", "WORKERS=3", "ALLOW_PATH=/a b", "DATA=/d"],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    command = " ".join(done.stdout.replace("\\\n", " ").split())
    assert f'--port {port} --data "/d" --workers 3 --allow-path "/a b"' in command
