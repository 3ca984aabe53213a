"""The door under real servers: raw targets, concurrent ranges, memory, and clients that go away."""
import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from servicex.backends.object_store.base import ObjectStore
from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door
from tests.object_store.asking import BUCKET, OTHER_BUCKET, SECRET, client, fill, odd_keys, serving
from tests.object_store.hello import hello
from tests.s3_server import S3Server

SIZE = 30 * 1024 * 1024
ROOT = Path(__file__).parents[2]
WAITRESS = [sys.executable, "-m", "tests.object_store.hello"]
GUNICORN = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--no-control-socket",
            "tests.object_store.hello:make_door()"]


@pytest.fixture
def environment(store: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """What a server needs to know to have the door before the same store."""
    environment = {**os.environ, "ROOT": str(tmp_path / "results"), "SECRET": SECRET.decode(), "PYTHONUNBUFFERED": "1"}
    if not isinstance(store, LocalObjectStore):
        server: S3Server = request.getfixturevalue("s3_server")
        environment |= {"S3_ADDRESS": server.address, "S3_ACCESS_KEY": server.keys.access_key,
                        "S3_SECRET_KEY": server.keys.secret_key}
    return environment


def started(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture(params=["local-waitress", "local-gunicorn", "s3-gunicorn"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store and of server."""
    kind: str = request.param
    return kind


@pytest.fixture
def store_kind(kind: str) -> str:
    return kind.partition("-")[0]


@pytest.fixture
def server(kind: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The address and the process id of a server of its own process."""
    if kind.endswith("waitress"):
        process = started(WAITRESS, environment)
        assert process.stdout is not None
        port = int(process.stdout.readline())
    else:
        pytest.importorskip("gunicorn")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = started([*GUNICORN, "--bind", f"127.0.0.1:{port}"], environment)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


def peak_memory(pid: int) -> int:
    """The most bytes that the process and its children have had resident."""
    process = psutil.Process(pid)
    statuses = [Path(f"/proc/{one.pid}/status").read_text() for one in [process, *process.children(recursive=True)]]
    return 1024 * sum(int(status.partition("VmHWM:")[2].split()[0]) for status in statuses)


@pytest.mark.parametrize("kind", ["local-waitress", "local-gunicorn", "s3-waitress", "s3-gunicorn"])
def test_the_calls_of_the_client(store: ObjectStore, server: tuple[str, int], tmp_path: Path) -> None:
    """HEAD, then parts of 8 MiB with checksums asked for, five at a time; the memory stays bounded."""
    url, pid = server
    content = os.urandom(SIZE)
    fill(store, "large one.root", content)
    s3 = client(url, store.credentials(BUCKET))
    assert s3.head_object(Bucket=BUCKET, Key="large one.root")["ContentLength"] == SIZE
    before = peak_memory(pid)
    s3.download_file(BUCKET, "large one.root", str(tmp_path / "copy"), Config=TransferConfig(max_concurrency=5))
    assert hashlib.sha256((tmp_path / "copy").read_bytes()).digest() == hashlib.sha256(content).digest()

    def part(start: int) -> bytes:
        answer = s3.get_object(Bucket=BUCKET, Key="large one.root", Range=f"bytes={start}-{start + 2 ** 23 - 1}")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        read: bytes = answer["Body"].read()
        return read

    with ThreadPoolExecutor(5) as pool:
        parts = list(pool.map(part, range(0, SIZE, 2 ** 23)))
        assert b"".join(parts) == content
        whole = pool.map(lambda _: s3.get_object(Bucket=BUCKET, Key="large one.root")["Body"].read(), range(5))
        assert all(one == content for one in whole)
    assert peak_memory(pid) - before < 24 * 1024 * 1024


def test_small_objects_are_read_by_range_too(store: ObjectStore, server: tuple[str, int]) -> None:
    fill(store, "a")
    s3 = client(server[0], store.credentials(BUCKET))
    answer = s3.get_object(Bucket=BUCKET, Key="a", Range="bytes=0-9", ChecksumMode="ENABLED")
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (206, b"0123456789")
    assert s3.get_object(Bucket=BUCKET, Key="a", Range="bytes=2-4")["Body"].read() == b"234"


@pytest.mark.parametrize("options", [
    {}, {"region_name": "us-west-2"}, {"region_name": "eu-central-1"}, {"signature_version": "s3v4"},
    {"signature_version": "s3"}])
def test_odd_keys_by_call_and_by_link(store: ObjectStore, server: tuple[str, int],
                                      options: dict[str, str]) -> None:
    """Links are read by urllib3, which leaves them as they are, and by aiohttp, which rewrites them."""
    s3 = client(server[0], store.credentials(BUCKET), **options)
    keys = odd_keys(store)
    for key in keys:
        fill(store, key, key.encode())
        assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
    links = {key: s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=31536000)
             for key in keys}
    for key, link in links.items():
        assert requests.get(link, timeout=10).content == key.encode()
    assert asyncio.run(fetched(list(links.values()))) == [key.encode() for key in links]


async def fetched(links: list[str]) -> list[bytes]:
    contents = []
    async with aiohttp.ClientSession() as session:
        for link in links:
            async with session.get(link) as answer:
                contents.append(await answer.read())
    return contents


def test_the_two_kinds_of_link(store: ObjectStore, server: tuple[str, int]) -> None:
    fill(store, "a")
    for options, mark in (({}, "AWSAccessKeyId="), ({"region_name": "eu-central-1"}, "X-Amz-Signature=")):
        s3 = client(server[0], store.credentials(BUCKET), **options)
        link = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a"}, ExpiresIn=31536000)
        assert mark in link
        part = requests.get(link, headers={"Range": "bytes=1-3"}, timeout=10)
        assert (part.status_code, part.content) == (206, b"123")
        listing = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": BUCKET})
        assert "<Key>a</Key>" in requests.get(listing, timeout=10).text


def test_refusals_reach_the_client_as_s3_errors(store: ObjectStore, server: tuple[str, int]) -> None:
    fill(store, "a")
    mine, other = (client(server[0], store.credentials(bucket)) for bucket in (BUCKET, OTHER_BUCKET))
    expected = [(lambda: mine.get_object(Bucket=BUCKET, Key="missing"), "NoSuchKey"),
                (lambda: other.get_object(Bucket=BUCKET, Key="a"), "InvalidAccessKeyId"),
                (lambda: other.list_objects_v2(Bucket=OTHER_BUCKET), "NoSuchBucket"),
                (lambda: mine.put_object(Bucket=BUCKET, Key="a", Body=b"x"), "AccessDenied"),
                (lambda: mine.delete_object(Bucket=BUCKET, Key="a"), "AccessDenied"),
                (lambda: mine.create_multipart_upload(Bucket=BUCKET, Key="a"), "AccessDenied"),
                (lambda: mine.get_bucket_acl(Bucket=BUCKET), "AccessDenied"),
                (lambda: mine.head_object(Bucket=BUCKET, Key="missing"), "404"),
                (lambda: mine.get_object(Bucket=BUCKET, Key="a", IfMatch='"x"'), "PreconditionFailed"),
                (lambda: mine.get_object(Bucket=BUCKET, Key="a", Range="bytes=50-"), "InvalidRange")]
    for call, name in expected:
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == name
    assert mine.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"0123456789"


def test_a_connection_is_kept_through_heads_and_refusals(store: ObjectStore, server: tuple[str, int]) -> None:
    fill(store, "a")
    link = client(server[0], store.credentials(BUCKET)).generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "a"})
    with requests.Session() as session:
        for _ in range(3):
            assert session.head(link, timeout=10).status_code == 403
            assert session.get(link, timeout=10).content == b"0123456789"
            assert session.get(link, headers={"If-None-Match": "*"}, timeout=10).status_code == 304
        assert session.get(server[0] + "/servicex", timeout=10).text == "app /servicex"


def test_absolute_targets_and_nonsense(store: ObjectStore, server: tuple[str, int]) -> None:
    fill(store, "a")
    link = client(server[0], store.credentials(BUCKET)).generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "a"})
    assert b" 200 OK" in sent(server[0], link.encode())
    for target in (b"/%zz", b"/\xff\xfe", b"/a?\xff=%", b"/%00", b"/a?Signature&Expires=1", b"/a#b",
                   b"/" + b"x" * 9000):
        status = sent(server[0], b"/" + BUCKET.encode() + target).split(b" ")[1]
        assert status in (b"400", b"403", b"414")


def sent(url: str, target: bytes) -> bytes:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: " + address.netloc.encode()
                           + b"\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_files_are_closed_when_clients_hang_up(store: ObjectStore, server: tuple[str, int]) -> None:
    fill(store, "large", os.urandom(SIZE))
    link = client(server[0], store.credentials(BUCKET)).generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "large"})
    for _ in range(8):
        with requests.get(link, stream=True, timeout=10) as answer:
            assert len(answer.raw.read(1000)) == 1000
    deadline = time.monotonic() + 10
    while open_results(server[1]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_results(server[1]) == []
    assert requests.get(link, headers={"Range": "bytes=-5"}, timeout=10).status_code == 206


def open_results(pid: int) -> list[Any]:
    process = psutil.Process(pid)
    return [file for one in [process, *process.children(recursive=True)] for file in one.open_files()
            if BUCKET in file.path]


def test_deleted_while_being_read(store: ObjectStore, door: S3Door) -> None:
    content = os.urandom(SIZE)
    fill(store, "large", content)
    with serving(door) as url:
        body = client(url, store.credentials(BUCKET)).get_object(Bucket=BUCKET, Key="large")["Body"]
        first = body.read(1000)
        store.delete(BUCKET)
        assert first + body.read() == content
        with pytest.raises(ClientError, match="NoSuchBucket"):
            client(url, store.credentials(BUCKET)).list_objects_v2(Bucket=BUCKET)


def test_without_a_file_wrapper_the_server_may_be_any(store: ObjectStore, door: S3Door) -> None:
    """werkzeug's client has no file wrapper, and makes its own raw target."""
    from werkzeug.test import Client
    content = os.urandom(1_000_000)
    fill(store, "a b.root", content)
    link = client("http://localhost", store.credentials(BUCKET)).generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "a b.root"})
    response = Client(S3Door(hello, store)).get(link, headers={"Range": "bytes=10-900000"})
    assert response.status_code == 206
    assert response.data == content[10:900001]
