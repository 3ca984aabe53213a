"""The real client, with results in an S3 store, and results on a volume."""
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows
from tests.e2e.real_client import RealClient
from tests.running_server import RunningServer
from tests.s3_server import S3Server

SECONDS_TO_END = 60.0
SELECTION = ("(call Select (call EventDataset 'x' 'Events') "
             "(lambda (list e) (dict (list 'n') (list (attr e 'nMuon')))))")


@pytest.fixture(scope="module")
def settings(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What has a server use the S3 store, and a volume."""
    keys = s3_server.keys
    return {"MINIO_URL": s3_server.address, "MINIO_ACCESS_KEY": keys.access_key, "MINIO_SECRET_KEY": keys.secret_key,
            "RESULTS_VOLUME": str(tmp_path_factory.mktemp("volume"))}


@pytest.fixture(scope="module")
def server_with_s3(settings: dict[str, str], samples: Path,
                   tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("s3-backed") / "data", [samples], environment=settings) as running:
        yield running


def delivered(client_bin: Path, server: RunningServer, folder: Path, file: Path) -> list[str]:
    """A path and a link that the client gives for the query `funcadl` on one file."""
    client = RealClient(client_bin, folder / "client", server.address)
    sample = {"name": "s", "query": "funcadl", "files": [str(file)]}
    came = client.begin([sample], deliveries=["LocalCache", "URLs"]).wait()
    return [item for way in ("LocalCache", "URLs") for item in came[way]["s"]["items"]]


def newest(server: RunningServer) -> dict[str, Any]:
    """The full record of the newest transform."""
    listed = requests.get(f"{server.address}/servicex/transformation", timeout=20).json()["requests"]
    url = f"{server.address}/servicex/transformation/{listed[-1]['request_id']}"
    record: dict[str, Any] = requests.get(url, timeout=20).json()
    return record


def eventually(condition: Any) -> bool:
    deadline = time.monotonic() + SECONDS_TO_END
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(condition())


def test_results_go_to_the_store_and_are_read_through_the_door(
        client_bin: Path, server_with_s3: RunningServer, s3_server: S3Server, nano_files: list[Path],
        tmp_path: Path) -> None:
    items = delivered(client_bin, server_with_s3, tmp_path, nano_files[0])
    assert [item.startswith("http") for item in items] == [False, True]
    for item in items:
        assert delivered_rows(item, COLUMNS["funcadl"], tmp_path) == EXPECTED["funcadl"](nano_files[0])
    record = newest(server_with_s3)
    bucket = s3_server.folder / record["request_id"]
    assert any(path.is_file() for path in bucket.iterdir())
    assert not list(server_with_s3.data.glob("results/*"))
    assert record["minio-endpoint"] == f"127.0.0.1:{server_with_s3.port}"
    told = str(record) + str(items) + server_with_s3.log()
    assert s3_server.keys.secret_key not in told and s3_server.keys.access_key not in told
    url = f"{server_with_s3.address}/servicex/transformation/{record['request_id']}"
    assert requests.delete(url, timeout=20).status_code == 200
    assert eventually(lambda: not bucket.exists())


def test_keys_that_a_site_shares(client_bin: Path, settings: dict[str, str], s3_server: S3Server, samples: Path,
                                 nano_files: list[Path], tmp_path: Path) -> None:
    reader = s3_server.reader_keys
    shared = {**settings, "MINIO_PUBLIC_URL": s3_server.address,
              "SHARED_READ_ONLY_S3_KEYS": f"{reader.access_key}:{reader.secret_key}"}
    with RunningServer(tmp_path / "data", [samples], environment=shared) as running:
        items = delivered(client_bin, running, tmp_path, nano_files[0])
        record = newest(running)
    assert (record["minio-endpoint"], record["minio-access-key"]) == (s3_server.address, reader.access_key)
    assert s3_server.address in items[1]
    assert delivered_rows(items[0], COLUMNS["funcadl"], tmp_path) == EXPECTED["funcadl"](nano_files[0])


def test_results_on_a_volume(server_with_s3: RunningServer, settings: dict[str, str], nano_files: list[Path]) -> None:
    body = {"file-list": [str(nano_files[0])], "selection": SELECTION, "codegen": "uproot",
            "result-destination": "volume", "result-format": "parquet"}
    base = f"{server_with_s3.address}/servicex/transformation"
    records = [requests.post(base, json=body, timeout=60).json() for _ in range(2)]
    for record in records:
        url = f"{base}/{record['request_id']}"
        assert eventually(lambda url=url: requests.get(url, timeout=20).json()["status"] == "Complete")
        ended = requests.get(url, timeout=20).json()
        assert {ended[f"minio-{name}"] for name in ("endpoint", "secured", "access-key", "secret-key")} == {None}
        folder = Path(settings["RESULTS_VOLUME"]) / "output" / record["request_id"]
        (result,) = requests.get(url + "/results", timeout=20).json()["results"]
        assert (folder / result["s3-object-name"]).stat().st_size == result["total-bytes"]
        assert requests.delete(url, timeout=20).status_code == 200
        assert eventually(lambda folder=folder: not folder.exists())


def test_the_list_tells_no_credentials(server_with_s3: RunningServer, nano_files: list[Path]) -> None:
    body = {"file-list": [str(nano_files[0])], "selection": SELECTION, "codegen": "uproot",
            "result-destination": "object-store", "result-format": "parquet"}
    requests.post(f"{server_with_s3.address}/servicex/transformation", json=body, timeout=60)
    listed = requests.get(f"{server_with_s3.address}/servicex/transformation", timeout=20).json()["requests"]
    assert all(record["minio-access-key"] is None and record["minio-secret-key"] is None for record in listed)
