"""Listing, through boto3 over a real server and straight."""
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from servicex.backends.object_store.base import ObjectStore
from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door
from tests.object_store.asking import BUCKET, ask_signed, both_kinds, client, code, fill, keys_of, odd_keys
from tests.s3_server import S3Server


@pytest.fixture
def bucket_folder(store: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where the store has the files of the bucket: nanio too keeps plain files."""
    if isinstance(store, LocalObjectStore):
        return tmp_path / "results" / BUCKET
    server: S3Server = request.getfixturevalue("s3_server")
    return server.folder / BUCKET


def many(folder: Path, count: int) -> list[str]:
    """Empty objects, made without waiting for the disk."""
    keys = [f"object {number:05}.root" for number in range(count)]
    for key in keys:
        (folder / key).touch()
    return keys


@both_kinds
@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
def test_2500_objects_in_pages(store: ObjectStore, url: str, bucket_folder: Path, operation: str) -> None:
    keys = many(bucket_folder, 2500)
    pages = list(client(url, store.credentials(BUCKET)).get_paginator(operation).paginate(Bucket=BUCKET))
    assert [len(page["Contents"]) for page in pages] == [1000, 1000, 500]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert [key for page in pages for key in keys_of(page)] == keys


@both_kinds
@pytest.mark.parametrize("options", [{}, {"region_name": "eu-central-1"}, {"signature_version": "s3"}])
def test_odd_keys(store: ObjectStore, url: str, options: dict[str, str]) -> None:
    keys = odd_keys(store)
    for key in keys:
        fill(store, key, key.encode())
    s3 = client(url, store.credentials(BUCKET), **options)
    expected = sorted(keys, key=str.encode)
    listed = s3.list_objects_v2(Bucket=BUCKET)
    assert keys_of(listed) == expected
    assert [one["Size"] for one in listed["Contents"]] == [len(key.encode()) for key in expected]
    assert listed["KeyCount"] == len(expected)
    assert keys_of(s3.list_objects(Bucket=BUCKET)) == expected
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2})
    assert [key for page in pages for key in keys_of(page)] == expected


@both_kinds
def test_a_listing_agrees_with_the_object(store: ObjectStore, url: str) -> None:
    fill(store, "a")
    s3 = client(url, store.credentials(BUCKET))
    listed = s3.list_objects_v2(Bucket=BUCKET, FetchOwner=True)["Contents"][0]
    head = s3.head_object(Bucket=BUCKET, Key="a")
    assert listed["ETag"] == head["ETag"]
    assert listed["LastModified"] == head["LastModified"]
    assert listed["Owner"]["ID"] == "servicex"


@both_kinds
def test_an_empty_bucket_its_head_and_location(store: ObjectStore, url: str) -> None:
    for options in ({}, {"signature_version": "s3"}, {"region_name": "eu-central-1"}):
        s3 = client(url, store.credentials(BUCKET), **options)
        assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
        assert s3.head_bucket(Bucket=BUCKET)["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] is None


@pytest.mark.parametrize("query", ["max-keys=-1", "max-keys=a", "max-keys=%D9%A3", "max-keys=" + "9" * 5000,
                                   "list-type=3", "encoding-type=x", "list-type=2&continuation-token=%21",
                                   "list-type=2&continuation-token=é", "list-type=2&continuation-token=_w%3D%3D"])
def test_bad_parameters(store: ObjectStore, door: S3Door, query: str) -> None:
    reply = ask_signed(door, "v4", f"/{BUCKET}?{quote(query, safe='=&%')}", store.credentials(BUCKET))
    assert code(reply) == (400, "InvalidArgument")


def test_without_encoding_the_document_is_still_xml(store: ObjectStore, door: S3Door) -> None:
    fill(store, "<a>&\"b'")
    reply = ask_signed(door, "v4", f"/{BUCKET}/?list-type=2", store.credentials(BUCKET))
    found = ElementTree.fromstring(reply.body).find(".//{*}Contents/{*}Key")
    assert found is not None and found.text == "<a>&\"b'"
