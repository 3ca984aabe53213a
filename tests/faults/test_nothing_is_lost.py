"""Whatever is killed, restarted, repeated or late: every file has one result and one object, and nothing is left."""
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import requests
from minio import Minio

from tests.conftest import require
from tests.facility import Facility
from tests.faults.faults import FAULTS, each_once, some
from tests.private_rabbitmq import is_installed
from tests.running_server import is_built

FILES = 2000
WORKERS = 3
SEED = 20261124
# Seconds after a fault within which work goes on.
RECOVERY = 30.0


@pytest.fixture
def facility(tmp_path: Path) -> Iterator[Facility]:
    require(is_built(), "the command servicex-app is not installed")
    require(is_installed(), "Debian's rabbitmq-server is not here")
    with Facility(tmp_path) as running:
        yield running


def file_list(count: int, name: str) -> list[str]:
    """Entries of two replicas each."""
    return [f"root://first//{name}/{n}.root,root://second//{name}/{n}.root" for n in range(count)]


def objects(facility: Facility, bucket: str) -> set[str]:
    """The names of the objects in a bucket, asked of the store itself."""
    keys = facility.store.keys
    store = Minio(facility.store.address, keys.access_key, keys.secret_key, secure=False)
    if not store.bucket_exists(bucket):
        return set()
    return {str(found.object_name) for found in store.list_objects(bucket)}


def check_accounts(facility: Facility, request_id: str, files: int) -> None:
    """Every file has one result, every result one object, and the counters say so."""
    rows = facility.query("select file_id, transform_status, s3_object_name from transform_result "
                          "where request_id = %s", request_id)
    assert len(rows) == len({row[0] for row in rows}) == files
    assert {row[1] for row in rows} == {"success"}
    names = {row[2] for row in rows}
    assert len(names) == files
    assert facility.status(request_id) == {"status": "complete", "files": files, "files_completed": files,
                                           "files_failed": 0}
    # What a worker stored before it was killed is cleared away when nobody can be at work on the transform any more.
    within(2 * RECOVERY, lambda: objects(facility, request_id) == names)


def within(seconds: float, condition: Callable[[], bool]) -> None:
    """Fail if the condition does not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(0.2)


def queue_is_gone(facility: Facility, request_id: str) -> bool:
    """Whether the broker has no work queue of the transform."""
    return f"transformer-{request_id}" not in facility.queues()


def recovery(facility: Facility, request_id: str) -> float:
    """Seconds until the next report is counted, or the transform has ended; fails if they are too many."""
    begun = time.monotonic()
    before = facility.status(request_id)
    within(RECOVERY, lambda: facility.status(request_id) != before or before["status"] != "running")
    return time.monotonic() - begun


def run_round(facility: Facility, chance: random.Random, faults: Sequence[Callable[[Facility], None]], pause: float,
              seconds: float, patient: bool) -> Counter[str]:
    """One transform of 2,000 files, with one fault after another; gives the faults that came before its end, by name.

    `pause`: seconds between two faults, on average; `seconds`: those that each file takes; `patient`: whether the next
    fault waits until work goes on after the last.
    """
    injected: Counter[str] = Counter()
    request_id = facility.submit(file_list(FILES, str(chance.random())))
    facility.transform(request_id, WORKERS, seconds)
    for fault in faults:
        time.sleep(chance.uniform(0, 2 * pause))
        if facility.status(request_id)["status"] != "running":
            break
        fault(facility)
        injected[fault.__name__] += 1
        if patient:
            print(f"{fault.__name__}: {recovery(facility, request_id):.1f} s", flush=True)
    facility.wait_until_ended(request_id, 2 * RECOVERY + FILES * seconds)
    facility.stop_transformers()
    check_accounts(facility, request_id, FILES)
    within(2 * RECOVERY, lambda: queue_is_gone(facility, request_id))
    return injected


@pytest.mark.timeout(600)
def test_every_fault_once(facility: Facility) -> None:
    chance = random.Random(SEED)
    injected = run_round(facility, chance, each_once(chance), pause=0.5, seconds=0.06, patient=True)
    print(f"{injected.total()} faults injected: {dict(injected)}")
    assert set(injected) == {fault.__name__ for fault in FAULTS}


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_a_thousand_faults(facility: Facility) -> None:
    chance, injected = random.Random(SEED), Counter[str]()
    while injected.total() < 1000:
        faults = some(chance, min(200, 1000 - injected.total()))
        injected += run_round(facility, chance, faults, pause=0.4, seconds=0.1, patient=False)
        print(f"{injected.total()} faults injected so far: {dict(injected)}", flush=True)
    assert set(injected) == {fault.__name__ for fault in FAULTS}


def test_cancelled_while_reports_come_in(facility: Facility) -> None:
    request_id = facility.submit(file_list(500, "cancelled"))
    facility.transform(request_id, WORKERS, 0.05)
    within(RECOVERY, lambda: facility.status(request_id)["files_completed"] > 50)
    answer = requests.post(f"{facility.address}/servicex/transformation/{request_id}/cancel", timeout=60)
    assert answer.status_code == 200, answer.text
    time.sleep(2)
    first = facility.status(request_id)
    assert first["status"] == "canceled"
    time.sleep(2)
    facility.stop_transformers()
    assert facility.status(request_id) == first
    within(2 * RECOVERY, lambda: queue_is_gone(facility, request_id))
    requests.delete(f"{facility.address}/servicex/transformation/{request_id}", timeout=60).raise_for_status()
    within(RECOVERY, lambda: not objects(facility, request_id))
