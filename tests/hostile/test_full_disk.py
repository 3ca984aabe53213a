"""A disk that is full, and gets free again or does not: the server survives, every transform ends with its cause."""
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.hostile.asking import Service, check_accounts
from tests.hostile.conftest import write_file
from tests.running_server import RunningServer

MIB = 2 ** 20
DISK = 24 * MIB
WRITES_A_LOT = """
    import numpy as np
    def run_query(input_filenames=None):
        return {"x": np.random.default_rng(1).random(2**19)}
    """
PROMPT = {"MAX_ATTEMPTS": "2", "FILE_SECONDS": "20", "CONTROLLER_SECONDS": "0.5"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"only root can mount a small disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def running(tmp_path: Path, disk: Path) -> Iterator[Service]:
    """A server whose data is on the small disk, and its inputs are not."""
    files = tmp_path / "files"
    for number in range(4):
        write_file(files / f"{number}.root")
    with RunningServer(disk / "data", [files], environment=PROMPT) as server:
        service = Service(server)
        service.end(service.submit([files / "0.root"]))
        yield service


def inputs(service: Service) -> list[Path]:
    return sorted(service.server.files.glob("?.root"))


def free(disk: Path) -> int:
    """Bytes free on the disk."""
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all the disk but for so many bytes."""
    filler = disk / f"filler_{time.monotonic_ns()}"
    with filler.open("wb", buffering=0) as file:
        try:
            while free(disk) > leave:
                file.write(bytes(min(MIB, free(disk) - leave)))
        except OSError:
            pass
    return filler


def test_results_that_do_not_fit(running: Service, disk: Path) -> None:
    """Four results of 4 MiB, room for two: some fail and say why; when there is room again all is well."""
    filler = fill(disk, leave=11 * MIB)
    request_id = running.submit_python(WRITES_A_LOT, inputs(running))
    record = running.end(request_id)
    assert record["status"] in ("Complete", "Fatal") and record["files-failed"] >= 1
    assert {error["error-class"] for error in running.errors(request_id)} == {"DiskFull"}
    assert all("no space is left on the disk" in error["info"].lower() for error in running.errors(request_id))
    check_accounts(running, request_id)
    filler.unlink()
    assert running.end(running.submit(inputs(running)))["files-completed"] == 4


def test_submission_for_which_there_is_no_room(running: Service, disk: Path) -> None:
    filler = fill(disk)
    before = listed(running)
    answer = running.post([f"{running.server.files}/not_there_{number}.root" for number in range(20_000)])
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "The disk that holds the database is full" in answer.json()["message"]
    assert listed(running) == before
    filler.unlink()
    assert running.end(running.submit(inputs(running)))["files-completed"] == 4


def listed(service: Service) -> list[tuple[str, str]]:
    """The transforms the server knows, and their states."""
    answer = requests.get(f"{service.server.address}/servicex/transformation", timeout=30)
    return [(record["request_id"], record["status"]) for record in answer.json()["requests"]]


def test_database_that_cannot_grow_and_then_can(running: Service, disk: Path) -> None:
    """The disk fills while files are worked on; reports wait for room, and none is lost."""
    gate = running.server.files / "gate"
    request_id = running.submit_python(f"""
        import os, time
        def run_query(input_filenames=None):
            while not os.path.exists({str(gate)!r}):
                time.sleep(0.05)
            return {{"x": [1.0]}}
        """, inputs(running))
    filler = wait_and_fill(running, disk, request_id)
    gate.touch()
    time.sleep(3)
    assert running.record(request_id)["status"] in ("Running", "Fatal")
    filler.unlink()
    record = running.end(request_id)
    assert {error["error-class"] for error in running.errors(request_id)} <= {"DiskFull"}
    assert record["files-completed"] + record["files-failed"] == 4
    check_accounts(running, request_id)
    assert running.end(running.submit(inputs(running)))["files-completed"] == 4


def wait_and_fill(running: Service, disk: Path, request_id: str) -> Path:
    """Fill the disk when two files are in hand."""
    address = f"{running.server.address}/servicex/transformation/{request_id}/deployment-status"
    deadline = time.monotonic() + 20
    while requests.get(address, timeout=10).json().get("states", {}).get("transforming") != 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return fill(disk)


def test_start_on_a_full_disk(running: Service, disk: Path) -> None:
    """It says so and ends, or comes up; with room again it goes on as if nothing had been."""
    before, filler = listed(running), fill(disk)
    running.server.kill()
    try:
        running.server.start()
    except AssertionError:
        assert "servicex-app: The disk that holds the database is full" in running.server.log()
        filler.unlink()
        running.server.start()
    filler.unlink(missing_ok=True)
    assert listed(running) == before
    assert running.end(running.submit(inputs(running)))["files-completed"] == 4
