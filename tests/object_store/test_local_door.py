"""What the door does before local files only, or what no test server for S3 can do."""
import os
from pathlib import Path
from typing import Any

import pytest

from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door
from servicex.backends.object_store.s3_door.answers import ContentPart
from tests.object_store.asking import BUCKET, client, code, fill, keys_of, read


@pytest.fixture
def store(local_store: LocalObjectStore) -> LocalObjectStore:
    return local_store


def test_prefix_delimiter_and_start(store: LocalObjectStore, url: str) -> None:
    for key in ("a.1", "a.2", "a.3", "b", "c.1", "c.2", "d"):
        fill(store, key)
    s3 = client(url, store.credentials(BUCKET))

    def listed(**options: Any) -> tuple[list[str], list[str]]:
        answer = s3.list_objects_v2(Bucket=BUCKET, **options)
        return keys_of(answer), [one["Prefix"] for one in answer.get("CommonPrefixes", [])]

    assert listed(Prefix="a") == (["a.1", "a.2", "a.3"], [])
    assert listed(Prefix="x") == ([], [])
    assert listed(Delimiter=".") == (["b", "d"], ["a.", "c."])
    assert listed(Prefix="a.", Delimiter=".") == (["a.1", "a.2", "a.3"], [])
    assert listed(StartAfter="b") == (["c.1", "c.2", "d"], [])
    assert listed(StartAfter="bb", MaxKeys=1) == (["c.1"], [])
    assert listed(MaxKeys=0) == ([], [])
    assert listed(Prefix="a b+%/é") == ([], [])


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_shared_prefixes(store: LocalObjectStore, url: str, operation: str, size: int) -> None:
    for key in ("a.1", "a.2", "a.3", "b", "c.1", "c.2", "d"):
        fill(store, key)
    pages = client(url, store.credentials(BUCKET)).get_paginator(operation).paginate(
        Bucket=BUCKET, Delimiter=".", PaginationConfig={"PageSize": size})
    found = [key for page in pages for key in
             [*keys_of(page), *(one["Prefix"] for one in page.get("CommonPrefixes", []))]]
    assert sorted(found) == ["a.", "b", "c.", "d"]


def test_control_characters_survive_in_encoded_listings(store: LocalObjectStore, url: str) -> None:
    fill(store, "a\r\n\x01b")
    s3 = client(url, store.credentials(BUCKET))
    assert keys_of(s3.list_objects_v2(Bucket=BUCKET)) == ["a\r\n\x01b"]


def test_an_unreadable_disk_asks_for_another_try(store: LocalObjectStore, door: S3Door, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, "a")

    def fail(*arguments: object, **options: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", fail)
    assert code(read(store, door)) == (503, "ServiceUnavailable")


def test_files_are_closed(store: LocalObjectStore, door: S3Door) -> None:
    fill(store, "a")
    before = len(os.listdir("/proc/self/fd"))
    for options in ({}, {"method": "HEAD"}, {"headers": {"Range": "bytes=20-"}},
                    {"headers": {"If-None-Match": "*"}}, {"headers": {"If-Match": '"x"'}}):
        read(store, door, **options)
    read(store, door, "?response-expires=%00")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_is_closed_when_the_server_stops_early(store: LocalObjectStore) -> None:
    fill(store, "a")
    file = store.open(BUCKET, "a").part(0, 5)
    part = ContentPart(file, 5)
    assert next(iter(part)) == b"01234"
    part.close()
    assert file.closed
