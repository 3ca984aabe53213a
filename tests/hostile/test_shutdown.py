"""However the server ends, and whatever runs then: nothing is left running, nothing accepted is lost."""
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.hostile.asking import Service, check_accounts
from tests.hostile.conftest import write_file
from tests.running_server import COMMAND, RunningServer

STUBBORN = """
    import os, signal, subprocess, time
    def run_query(input_filenames=None):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        subprocess.Popen(["sleep", "4712"], start_new_session=True)
        while True:
            pass
    """
SECONDS_TO_END = 5.0


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Service]:
    """A server to be ended, with two files."""
    files = tmp_path / "files"
    for number in range(2):
        write_file(files / f"{number}.root")
    server = RunningServer(tmp_path / "data", [files])
    with server:
        yield Service(server)


def files_of(service: Service) -> list[Path]:
    return sorted(service.server.files.glob("*.root"))


def busy_processes(service: Service) -> list[psutil.Process]:
    """The server and all it has started, when two stubborn programs with a child each are at work."""
    service.submit_python(STUBBORN, files_of(service))
    server = psutil.Process(service.server.pid)
    deadline = time.monotonic() + 30
    while sum(process.name() == "sleep" for process in server.children(recursive=True)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [server, *server.children(recursive=True)]


@pytest.mark.parametrize("end", [
    signal.SIGTERM, signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)], ids=lambda it: it.name)
def test_nothing_is_left_running(running: Service, end: signal.Signals) -> None:
    processes = busy_processes(running)
    assert len(processes) >= 6
    os.kill(running.server.pid, end)
    _, left = psutil.wait_procs(processes, timeout=SECONDS_TO_END)
    alive = [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    assert not alive
    assert "Traceback" not in running.server.log()


def test_submissions_during_the_end_are_kept_or_refused(running: Service) -> None:
    """Those answered with 200 are there after a restart, and each that is there is whole."""
    accepted: list[str] = []
    refused: list[int] = []
    stop = threading.Event()

    def submit_on() -> None:
        while not stop.is_set():
            try:
                answer = running.post(files_of(running))
            except requests.RequestException:
                return
            if answer.status_code == 200:
                accepted.append(answer.json()["request_id"])
            else:
                refused.append(answer.status_code)
    threads = [threading.Thread(target=submit_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.8)
    begun = time.monotonic()
    gone = running.server.stop()
    stop.set()
    for thread in threads:
        thread.join(10)
    assert gone == 0 and time.monotonic() - begun < SECONDS_TO_END * 2
    assert accepted and set(refused) <= {503}
    running.server.start()
    listed = requests.get(f"{running.server.address}/servicex/transformation", timeout=30).json()["requests"]
    assert set(accepted) <= {record["request_id"] for record in listed}
    for record in listed:
        assert running.end(record["request_id"], 60)["status"] == "Complete"
        check_accounts(running, record["request_id"])
    assert "Traceback" not in running.server.log()


@pytest.mark.long
def test_end_during_the_start(tmp_path: Path) -> None:
    """Stopped while it comes up, it ends, and comes up the next time."""
    files = tmp_path / "files"
    files.mkdir()
    server = RunningServer(tmp_path / "data", [files])
    for wait in (0.2, 0.6, 1.0):
        process = subprocess.Popen([COMMAND, "up", "--port", str(server.port), "--data", server.data],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    with server:
        assert requests.get(f"{server.address}/servicex", timeout=10).status_code == 200
