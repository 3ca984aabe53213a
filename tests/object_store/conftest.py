"""A store with one bucket, and the door before it under a real server."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door
from tests.object_store.asking import BUCKET, SECRET, serving
from tests.object_store.hello import hello


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    store = LocalObjectStore(tmp_path / "results", SECRET)
    store.create(BUCKET)
    return store


@pytest.fixture
def door(store: LocalObjectStore) -> S3Door:
    return S3Door(hello, store)


@pytest.fixture
def url(door: S3Door) -> Iterator[str]:
    with serving(door) as url:
        yield url
