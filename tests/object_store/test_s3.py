"""The S3 store and the door before it, in what only they do."""
import logging
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from minio import Minio
from minio.error import S3Error

from servicex.backends.object_store.base import Credentials, NoSuchBucket, ObjectStore, PageRequest
from servicex.backends.object_store.s3 import S3ObjectStore
from servicex.backends.object_store.s3_client import S3Endpoint, StoreAnswered
from servicex.backends.object_store.s3_door import S3Door
from servicex.errors import Unavailable
from tests.object_store.asking import (BUCKET, OTHER_BUCKET, SECRET, ask_signed, client, code, fill, serving, signed,
                                       size, target)
from tests.object_store.hello import hello
from tests.s3_server import S3Server

SECONDS_TO_GIVE_UP = 30.0


@pytest.fixture
def store_kind() -> str:
    return "s3"


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[tuple[S3Server, S3ObjectStore]]:
    """A store of its own that the test may break, with an impatient client."""
    with S3Server(tmp_path / "data") as server:
        store = server.store(SECRET, connect_seconds=0.5, read_seconds=0.5, attempts=2)
        server.store(SECRET).create(BUCKET)
        yield server, store


def test_a_bucket_with_thousands_of_objects_is_deleted(store: ObjectStore, s3_server: S3Server) -> None:
    for number in range(2100):
        (s3_server.folder / BUCKET / f"object {number}.root").touch()
    owner = client(f"http://{s3_server.address}", s3_server.keys)
    owner.create_multipart_upload(Bucket=BUCKET, Key="half")
    store.delete(BUCKET)
    assert not store.exists(BUCKET)
    store.create(BUCKET)
    assert owner.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_shared_prefixes_come_from_the_store(store: ObjectStore, s3_server: S3Server) -> None:
    owner = client(f"http://{s3_server.address}", s3_server.keys)
    for key in ("a/1", "a/2", "b", "c/1"):
        owner.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    page = store.page(BUCKET, PageRequest(delimiter="/"))
    assert ([one.key for one in page.objects], page.prefixes) == (["b"], ["a/", "c/"])
    assert page.last > "c/1"
    assert size(store, BUCKET, "a/1") == 1


def test_put_after_delete_brings_no_bucket_back(store: ObjectStore, s3_server: S3Server, tmp_path: Path) -> None:
    source = tmp_path / "late"
    source.write_bytes(b"late")
    store.delete(BUCKET)
    with pytest.raises(NoSuchBucket):
        # On a connection of its own: nanio takes the next request on it for the rest of the refused one.
        s3_server.store(SECRET).put(BUCKET, "b", source)
    assert not store.exists(BUCKET)


def test_large_objects_are_put_in_parts(store: ObjectStore) -> None:
    content = bytes(range(256)) * 40_000
    fill(store, "large", content)
    part = store.open(BUCKET, "large").part(len(content) - 5, 5)
    assert (size(store, BUCKET, "large"), part.read(10)) == (len(content), content[-5:])


def test_replaced_objects_are_not_mixed(store: ObjectStore, url: str) -> None:
    fill(store, "a", b"first")
    s3 = client(url, store.credentials(BUCKET))
    tag = s3.head_object(Bucket=BUCKET, Key="a")["ETag"]
    fill(store, "a", b"other")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.get_object(Bucket=BUCKET, Key="a", IfMatch=tag)


def test_minio_py_reads_through_the_door(store: ObjectStore, url: str, tmp_path: Path) -> None:
    for number in range(3):
        fill(store, f"root:::site.org::data:{number}.root", b"0123456789")
    keys, address = store.credentials(BUCKET), url.removeprefix("http://")
    reader = Minio(address, keys.access_key, keys.secret_key, secure=False)
    listed = [one.object_name for one in reader.list_objects(BUCKET)]
    assert listed == [f"root:::site.org::data:{number}.root" for number in range(3)]
    reader.fget_object(BUCKET, listed[0], str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == b"0123456789"
    part = reader.get_object(BUCKET, listed[1], offset=3, length=4)
    assert part.read() == b"3456"
    assert requests.get(reader.presigned_get_object(BUCKET, listed[2]), timeout=20).content == b"0123456789"
    with pytest.raises(S3Error, match="AccessDenied"):
        reader.put_object(BUCKET, "mine", BytesIO(b"x"), 1)
    other = store.credentials(OTHER_BUCKET)
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        Minio(address, other.access_key, other.secret_key, secure=False).stat_object(BUCKET, listed[0])


@pytest.mark.parametrize("key", [
    f"../{OTHER_BUCKET}/secret", f"..%2F{OTHER_BUCKET}%2Fsecret", f"a/../../{OTHER_BUCKET}/secret"])
def test_a_path_leads_into_no_other_bucket(store: ObjectStore, door: S3Door, key: str) -> None:
    fill(store, "secret", bucket=OTHER_BUCKET)
    reply = ask_signed(door, "v4", f"/{BUCKET}/{key}", store.credentials(BUCKET))
    assert code(reply) == (404, "NoSuchKey")


def test_the_servers_keys_open_no_door(store: ObjectStore, door: S3Door, s3_server: S3Server) -> None:
    fill(store, "a")
    assert code(ask_signed(door, "v4", target("a"), s3_server.keys)) == (403, "InvalidAccessKeyId")


def test_the_servers_keys_are_never_shown(lost: tuple[S3Server, S3ObjectStore],
                                          caplog: pytest.LogCaptureFixture) -> None:
    server, store = lost
    fill(store, "a")
    caplog.set_level(logging.INFO)
    door = S3Door(hello, store)
    targets = (target("a"), target("missing"), f"/{BUCKET}", f"/{OTHER_BUCKET}", target("a", "?acl"))
    replies = [ask_signed(door, "v4", path, store.credentials(BUCKET)) for path in targets]
    server.stop()
    replies += [ask_signed(door, "v4", path, store.credentials(BUCKET)) for path in targets]
    endpoint = S3Endpoint(server.address, False, server.keys.access_key, server.keys.secret_key)
    shown = "".join(f"{reply.headers} {reply.body!r}" for reply in replies) + caplog.text + repr(endpoint)
    assert "does not answer" in shown
    assert server.keys.secret_key not in shown
    assert server.keys.access_key not in "".join(str(reply) for reply in replies) + caplog.text


@pytest.mark.parametrize("how", ["stop", "freeze"])
def test_a_store_that_is_away(lost: tuple[S3Server, S3ObjectStore], how: str, tmp_path: Path) -> None:
    server, store = lost
    fill(store, "a")
    door = S3Door(hello, store)
    getattr(server, how)()
    began = time.monotonic()
    for path in (target("a"), f"/{BUCKET}?list-type=2", f"/{BUCKET}?location"):
        assert code(ask_signed(door, "v4", path, store.credentials(BUCKET))) == (503, "ServiceUnavailable")
    for method in (store.create, store.delete, store.exists, lambda bucket: size(store, bucket, "a")):
        with pytest.raises(Unavailable):
            method(BUCKET)
    assert time.monotonic() - began < SECONDS_TO_GIVE_UP
    if how == "freeze":
        server.thaw()
    else:
        server.start()
    assert size(server.store(SECRET), BUCKET, "a") == 10


def test_a_store_that_goes_away_while_an_object_is_read(lost: tuple[S3Server, S3ObjectStore]) -> None:
    server, store = lost
    fill(server.store(SECRET), "large", bytes(40 * 1024 * 1024))
    with serving(S3Door(hello, store)) as url:
        request = signed("v4-query", target("large"), store.credentials(BUCKET))
        link = request.url.replace("http://results.example.org:5000", url)
        answer = requests.get(link, headers={"Host": "results.example.org:5000"}, stream=True, timeout=20)
        assert len(answer.raw.read(1000)) == 1000
        server.stop()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in answer.iter_content(2 ** 20):
                pass


@pytest.mark.parametrize("wrong", ["access_key", "secret_key"])
def test_wrong_keys_are_a_store_that_refuses(s3_server: S3Server, wrong: str) -> None:
    keys = {"access_key": s3_server.keys.access_key, "secret_key": s3_server.keys.secret_key, wrong: "x" * 20}
    store = S3ObjectStore(S3Endpoint(s3_server.address, False, **keys), SECRET)
    with pytest.raises(StoreAnswered, match="InvalidAccessKeyId|SignatureDoesNotMatch"):
        store.create(BUCKET)
    reply = ask_signed(S3Door(hello, store), "v4", f"/{BUCKET}", store.credentials(BUCKET))
    assert code(reply) == (503, "ServiceUnavailable")


def test_who_goes_round_the_door_gets_nothing(store: ObjectStore, s3_server: S3Server) -> None:
    """The credentials of clients mean nothing to the store itself."""
    fill(store, "a")
    given: Any = store.credentials(BUCKET)
    assert isinstance(given, Credentials)
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client(f"http://{s3_server.address}", given).get_object(Bucket=BUCKET, Key="a")
