"""Stores with one bucket, of each kind, and the door before them under a real server."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicex.backends.object_store.base import ObjectStore
from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door
from tests.object_store.asking import BUCKET, OTHER_BUCKET, SECRET, serving
from tests.object_store.hello import hello


@pytest.fixture
def store_kind() -> str:
    """The kind of store; tests with `both_kinds` run for the other one too."""
    return "local"


@pytest.fixture
def store(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """A store with the one bucket."""
    if store_kind == "local":
        store: ObjectStore = LocalObjectStore(tmp_path / "results", SECRET)
    else:
        store = request.getfixturevalue("s3_server").store(SECRET)
    store.create(BUCKET)
    yield store
    for bucket in (BUCKET, OTHER_BUCKET):
        store.delete(bucket)


@pytest.fixture
def local_store(tmp_path: Path) -> LocalObjectStore:
    store = LocalObjectStore(tmp_path / "results", SECRET)
    store.create(BUCKET)
    return store


@pytest.fixture
def door(store: ObjectStore) -> S3Door:
    return S3Door(hello, store)


@pytest.fixture
def url(door: S3Door) -> Iterator[str]:
    with serving(door) as url:
        yield url
