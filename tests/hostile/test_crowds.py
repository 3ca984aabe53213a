"""Many at once and very long lists: none waits for ever, none takes the server's memory with it."""
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.hostile.asking import FINAL, Service, check_accounts
from tests.hostile.conftest import write_file

SLOW = """
    import time
    def run_query(input_filenames=None):
        time.sleep(0.2)
        return {"x": [1.0]}
    """
LONG_LIST = 220_000
MIB = 2 ** 20


def test_small_transform_is_not_kept_waiting_by_a_large_one(service: Service, good: Path) -> None:
    files = [write_file(service.server.files / "crowd" / f"{number}.root") for number in range(200)]
    large = service.submit_python(SLOW, files)
    begun = time.monotonic()
    assert service.end(service.submit([good]))["status"] == "Complete"
    assert time.monotonic() - begun < 10
    assert service.record(large)["status"] == "Running"
    service.cancel(large)
    assert service.record(large)["status"] == "Canceled"


def submit_all(service: Service, files: list[Path], selection: str, codegen: str) -> list[str]:
    """Submit a transform for each file, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda file: service.submit([file], selection, codegen), files))


def test_forty_transforms_at_once(service: Service, good: Path) -> None:
    files = [write_file(service.server.files / "forty" / f"{number}.root") for number in range(40)]
    finish_all(service, files, 40)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_five_hundred_transforms_at_once(service: Service, good: Path) -> None:
    """Five times as many as may be active: all are accepted, and all end."""
    files = [write_file(service.server.files / "hundreds" / f"{number}.root") for number in range(500)]
    finish_all(service, files, 800)


def finish_all(service: Service, files: list[Path], seconds: float) -> None:
    """Submit a transform for each file, and see all of them end well."""
    submitted = submit_all(service, files, '[{"treename": "mini"}]', "uproot-raw")
    assert len(set(submitted)) == len(files)
    deadline = time.monotonic() + seconds
    for request_id in submitted:
        assert service.end(request_id, deadline - time.monotonic())["status"] == "Complete"
        check_accounts(service, request_id)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_list_of_very_many_files(service: Service, good: Path) -> None:
    """What is not there fails fast, so the list is cancelled while it is worked on."""
    server = psutil.Process(service.server.pid)
    before = server.memory_info().rss
    folder = service.server.files / "many"
    paths = [f"{folder}/a_rather_long_name_of_a_file_{number:06}.root" for number in range(LONG_LIST)]
    begun = time.monotonic()
    request_id = service.submit([good, *paths])
    submitted = time.monotonic() - begun
    after = server.memory_info().rss
    while service.record(request_id)["files-failed"] < 100:
        assert time.monotonic() - begun < 120
        time.sleep(0.2)
    begun = time.monotonic()
    assert service.end(service.submit([good]))["status"] == "Complete"
    other = time.monotonic() - begun
    service.cancel(request_id)
    record = service.record(request_id)
    print(f"submitted in {submitted:.1f} s; memory {before // MIB} MiB before, {after // MIB} MiB after, "
          f"another transform in {other:.1f} s")
    assert record["files"] == LONG_LIST + 1 and record["status"] in FINAL
    assert submitted < 60 and other < 20 and after < before + 200 * MIB


@pytest.mark.long
def test_list_above_the_limit_is_refused(service: Service, good: Path) -> None:
    answer = service.post([f"{number}" for number in range(2_000_000)])
    assert answer.status_code in (400, 413) and answer.json()["message"]
    assert requests.get(f"{service.server.address}/servicex", timeout=10).status_code == 200
