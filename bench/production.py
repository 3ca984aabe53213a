"""Figures of the production server with 100,000 files: two API processes, one controller, PostgreSQL, RabbitMQ, S3.

    make bench-production          or          .venv/bin/python -m bench.production --files 100000

The finder and the transformers are stand-ins that cost little and store nothing. Everything, they too, runs on this
machine. The rate of a Flask hello under the same gunicorn settings and the same callers is taken in the same run, and
what others took of the machine meanwhile is told. Prints one table, and writes it as JSON with --out.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from bench.calls import ACCEPTED, Calls
from bench.finder import SCHEME, asked_for, send_files
from bench.machine import Others, cpu_seconds, resident
from bench.reporters import Reporters
from servicex.backends.broker.base import work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from tests.faults import faults
from tests.facility import BIN, Facility
from tests.running_server import free_port

SMALL = 1000
BULK = 300
AHEAD = 10_000
PROCESSES, THREADS = 2, 16
HELLO_SECONDS = 10.0
# A transform, or what is watched after a fault, that takes longer has failed.
END = 1800.0
RECOVERED = 60.0
WATCHED = 8.0
LOOK = 0.1
# The settings of a production server, where the fault tests have shorter ones.
SETTINGS = {"VALID_DID_SCHEMES": json.dumps([SCHEME]), "CONTROLLER_SECONDS": "2", "STALL_SECONDS": "300",
            "PUBLISH_AHEAD": str(AHEAD), "LOG_LEVEL": "WARNING"}


@dataclass
class Figures:
    """What was measured, in the order in which it is shown: name and value, in words."""

    rows: list[tuple[str, str]]

    def add(self, name: str, value: str) -> None:
        """Keep a figure, and show it at once."""
        self.rows.append((name, value))
        print(f"{name:62} {value}", flush=True)


def submit(facility: Facility, did: str) -> str:
    """The request id of a new transform of that dataset."""
    answer = requests.post(f"{facility.address}/servicex/transformation", timeout=60, json={
        "did": did, "selection": '[{"treename": "t", "filter_name": "x"}]', "codegen": "uproot-raw",
        "result-format": "parquet", "result-destination": "object-store"})
    answer.raise_for_status()
    return str(answer.json()["request_id"])


def wait_until(condition: Callable[[], bool], seconds: float = END, look: float = LOOK) -> float:
    """The seconds until it holds. Raises TimeoutError."""
    begun = time.perf_counter()
    while not condition():
        if time.perf_counter() - begun > seconds:
            raise TimeoutError(f"not so within {seconds:.0f} s")
        time.sleep(look)
    return time.perf_counter() - begun


def reported(facility: Facility, request_id: str) -> int:
    """How many files are accounted for."""
    row = facility.status(request_id)
    return int(row["files_completed"]) + int(row["files_failed"])


def lease_owner(facility: Facility, request_id: str) -> str:
    """The controller that works on the transform."""
    (row,) = facility.query("select lease_owner from transform_control join requests on id = transform_id "
                            "where request_id = %s", request_id)
    return str(row[0])


def processes(facility: Facility) -> dict[str, list[int]]:
    """The process ids of the server."""
    return {"API process": facility.api.pids[1:], "controller": facility.controllers[0].pids[:1]}


def cpu(facility: Facility) -> float:
    """The seconds that API and controller have used so far."""
    return cpu_seconds([pid for pids in processes(facility).values() for pid in pids])


def percentile(latencies: list[float], share: float) -> float:
    """In milliseconds."""
    return 1000 * statistics.quantiles(latencies, n=1000)[round(share * 1000) - 1]


def report_all(facility: Facility, figures: Figures, request_id: str, files: int) -> float:
    """Have all files of the transform reported; gives the rate."""
    before, others = cpu(facility), Others()
    with Reporters(facility.rabbitmq.url, request_id, PROCESSES, THREADS) as reporters:
        wait_until(lambda: reported(facility, request_id) > 0)
        done, begun = reported(facility, request_id), time.perf_counter()
        wait_until(lambda: reported(facility, request_id) == files)
        rate = (files - done) / (time.perf_counter() - begun)
        elsewhere = others.cores()
    assert set(reporters.statuses) == {ACCEPTED}, reporters.statuses
    latencies = reporters.latencies
    figures.add(f"reports committed, {files:,} files", f"{rate:.0f}/s")
    figures.add("  latency of a report, p50 / p99",
                f"{percentile(latencies, 0.5):.0f} / {percentile(latencies, 0.99):.0f} ms")
    figures.add("  CPU of API and controller, a report", f"{1000 * (cpu(facility) - before) / files:.2f} ms")
    figures.add("  cores that others took of the machine meanwhile", f"{elsewhere:.1f} of {psutil.cpu_count()}")
    return rate


def register(facility: Facility, figures: Figures, did: str, files: int, bulk: int) -> str:
    """Have a dataset of so many files looked up for a new transform; gives its request id."""
    request_id = submit(facility, did)
    seconds = send_files(asked_for(facility.rabbitmq.url), files, bulk)
    figures.add(f"files registered, {files:,} of them, {bulk} at a time", f"{files / seconds:.0f}/s")
    return request_id


def publish_again(facility: Facility, figures: Figures, broker: RabbitMqBroker, request_id: str, full: int) -> None:
    """Delete the full queue of so many messages, which nobody serves, and see it come back."""
    name = work_queue(request_id)

    def waiting() -> int:
        state = broker.state(name)
        return state.waiting if state else 0
    wait_until(lambda: waiting() >= full)
    broker.delete(name)
    first = wait_until(lambda: waiting() > 0, look=0.01)
    have = waiting()
    rest = wait_until(lambda: waiting() >= full, look=0.01)
    figures.add("messages published", f"{(full - have) / max(rest, 0.01):.0f}/s")
    figures.add("queue deleted, nobody at it: until the next message", f"{first:.1f} s")


def longest_silence(progress: Callable[[], int]) -> float:
    """The longest time without progress from now until some seconds after it goes on. Raises TimeoutError."""
    begun = last = time.perf_counter()
    value, longest = progress(), 0.0
    while (now := time.perf_counter()) - begun < WATCHED or now - last > WATCHED / 2:
        if now - begun > RECOVERED:
            raise TimeoutError(f"no recovery within {RECOVERED:.0f} s")
        newest = progress()
        if newest != value:
            longest, last, value = max(longest, now - last), now, newest
        time.sleep(LOOK)
    return longest


def break_things(facility: Facility, figures: Figures, broker: RabbitMqBroker, request_id: str) -> None:
    """Inject faults while the files of a transform are reported."""
    def reports() -> int:
        return reported(facility, request_id)
    trials: list[tuple[str, Callable[[Facility], None]]] = [
        ("an API process killed", faults.kill_an_api_process),
        ("database connections dropped", faults.drop_connections),
        ("queue deleted", lambda _: broker.delete(work_queue(request_id)))]
    with Reporters(facility.rabbitmq.url, request_id, PROCESSES, THREADS) as reporters:
        wait_until(lambda: reports() > 0)
        for name, fault in trials:
            fault(facility)
            figures.add(f"{name}: longest time without a report", f"{longest_silence(reports):.1f} s")
        dead = lease_owner(facility, request_id)
        faults.kill_a_controller(facility)
        taken_over = wait_until(lambda: lease_owner(facility, request_id) != dead, RECOVERED)
        figures.add("controller killed: until its successor is at work", f"{taken_over:.1f} s")
    figures.add("reports answered with an error through all of this",
                str(sum(count for status, count in reporters.statuses.items() if status != ACCEPTED)))


@contextmanager
def hello_server() -> Iterator[str]:
    """The address of a Flask hello with the API's gunicorn settings."""
    port = free_port()
    process = subprocess.Popen([str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads",
                                "16", "--log-level", "error", "bench.hello:app"])
    try:
        address = f"http://127.0.0.1:{port}/"
        Calls().call("GET", address)
        yield address
    finally:
        process.terminate()
        process.wait()


HELLO_CALLER = """
import sys
from bench.production import hellos
print(hellos(sys.argv[1], float(sys.argv[2])))
"""


def hellos(address: str, seconds: float) -> int:
    """How many calls of the threads of one process are answered in that time."""
    end, counts = time.perf_counter() + seconds, []

    def run() -> None:
        calls, count = Calls(), 0
        while time.perf_counter() < end:
            count += calls.call("GET", address) == ACCEPTED
        counts.append(count)
    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def hello_rate(figures: Figures) -> float:
    """Hellos a second, from as many callers as the reporters are."""
    with hello_server() as address:
        callers = [subprocess.Popen([sys.executable, "-c", HELLO_CALLER, address, str(HELLO_SECONDS)],
                                    stdout=subprocess.PIPE) for _ in range(PROCESSES)]
        rate = sum(int(caller.communicate()[0]) for caller in callers) / HELLO_SECONDS
    figures.add("Flask hello, same gunicorn settings and callers", f"{rate:.0f}/s")
    return rate


def measure(files: int, folder: Path) -> Figures:
    """All the figures."""
    figures = Figures([])
    hello = hello_rate(figures)
    with Facility(folder, SETTINGS, controllers=1) as facility:
        broker = RabbitMqBroker(facility.rabbitmq.url)
        small = register(facility, figures, f"{SCHEME}://small", SMALL, 1)
        report_all(facility, figures, small, SMALL)
        before = {name: resident(pids) for name, pids in processes(facility).items()}
        large = register(facility, figures, f"{SCHEME}://large", files, BULK)
        publish_again(facility, figures, broker, large, min(AHEAD, files))
        rate = report_all(facility, figures, large, files)
        hello = (hello + hello_rate(figures)) / 2
        figures.add("  reports ÷ hellos before and after", f"{rate / hello:.2f}")
        for name, pids in processes(facility).items():
            figures.add(f"memory of {name} after {SMALL:,} and {files:,} files",
                        f"{before[name]:.0f} / {resident(pids):.0f} MB")
        break_things(facility, figures, broker, submit(facility, f"{SCHEME}://large"))
        broker.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print(f"load before: {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory(prefix="servicex-bench-") as folder:
        figures = measure(options.files, Path(folder))
    if options.out:
        options.out.write_text(json.dumps(dict(figures.rows), indent=1) + "\n")


if __name__ == "__main__":
    main()
