"""The store itself: files, names and credentials."""
import os
import threading
from pathlib import Path

import pytest

from servicex.backends.object_store.base import NoSuchBucket, NoSuchKey
from servicex.backends.object_store.local import LocalObjectStore
from tests.object_store.asking import BUCKET, ODD_KEYS, OTHER_BUCKET, SECRET, fill

BAD_KEYS = ["", ".", "..", ".hidden", "a/b", "../" + BUCKET, "/etc/passwd", "a\0b", "x" * 256, "é" * 128, "\ud800"]


@pytest.fixture
def store(local_store: LocalObjectStore) -> LocalObjectStore:
    return local_store


def test_put_moves_the_file_and_tells_its_size(store: LocalObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "made"
    source.write_bytes(b"some bytes")
    os.utime(source, (1, 1))
    store.create(BUCKET)
    assert store.put(BUCKET, "a.root", source) == 10
    assert not source.exists()
    found = store.open(BUCKET, "a.root")
    with found.part(0, 10) as file:
        assert file.read() == b"some bytes"
    assert found.info.size == 10
    assert found.info.modified > 1e9


def test_put_after_delete_brings_no_bucket_back(store: LocalObjectStore, tmp_path: Path) -> None:
    """A worker that is slow to store may still be at it when its transform is deleted."""
    fill(store, "a")
    source = tmp_path / "late"
    source.write_bytes(b"late")
    store.delete(BUCKET)
    with pytest.raises(FileNotFoundError):
        store.put(BUCKET, "b", source)
    assert list(store.objects(BUCKET)) == []


def test_put_refuses_what_is_no_plain_file(store: LocalObjectStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for source in ("link", "pipe", "folder", "missing"):
        with pytest.raises(OSError):
            store.put(BUCKET, "a", tmp_path / source)
    assert list(store.objects(BUCKET)) == []


@pytest.mark.parametrize("key", BAD_KEYS)
def test_bad_keys_are_refused(store: LocalObjectStore, tmp_path: Path, key: str) -> None:
    source = tmp_path / "made"
    source.touch()
    with pytest.raises(ValueError):
        store.put(BUCKET, key, source)
    with pytest.raises(NoSuchKey):
        store.open(BUCKET, key)
    assert source.exists()


def test_objects_are_plain_files_in_the_order_of_their_bytes(store: LocalObjectStore, tmp_path: Path) -> None:
    for key in ODD_KEYS:
        fill(store, key, key.encode())
    folder = tmp_path / "results" / BUCKET
    (folder / ".half-written").touch()
    (folder / "folder").mkdir()
    (folder / "link").symlink_to(folder / "plain.root")
    os.mkfifo(folder / "pipe")
    (folder / os.fsdecode(b"latin-\xe9")).touch()
    found = list(store.objects(BUCKET))
    assert [one.key for one in found] == sorted(ODD_KEYS, key=str.encode)
    assert all(one.size == len(one.key.encode()) for one in found)


def test_reading_follows_no_link(store: LocalObjectStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password")
    folder = tmp_path / "results" / BUCKET
    (folder / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    (tmp_path / "results" / OTHER_BUCKET).symlink_to(tmp_path)
    for key in ("link", "pipe", "missing"):
        with pytest.raises(NoSuchKey):
            store.open(BUCKET, key)
    with pytest.raises(NoSuchBucket):
        store.open(OTHER_BUCKET, "secret")
    assert list(store.objects(OTHER_BUCKET)) == []


def test_deleting_leaves_open_objects_readable(store: LocalObjectStore, tmp_path: Path) -> None:
    fill(store, "a", b"x" * 100_000)
    found = store.open(BUCKET, "a")
    store.delete(BUCKET)
    with found.part(0, 100_000) as file:
        assert len(file.read()) == 100_000
    assert os.listdir(tmp_path / "results") == []
    store.delete(BUCKET)
    with pytest.raises(NoSuchBucket):
        store.keys(BUCKET)


def test_an_interrupted_removal_is_finished_at_the_next_start(store: LocalObjectStore, tmp_path: Path) -> None:
    fill(store, "a")
    os.rename(tmp_path / "results" / BUCKET, tmp_path / "results" / ".removed-0123")
    LocalObjectStore(tmp_path / "results", SECRET)
    assert os.listdir(tmp_path / "results") == []


def test_readers_see_whole_objects_only(store: LocalObjectStore) -> None:
    fill(store, "a", b"0" * 50_000)
    seen: list[set[int]] = []

    def read() -> None:
        for _ in range(200):
            found = store.open(BUCKET, "a")
            with found.part(0, 50_000) as file:
                content = file.read()
                seen.append(set(content))
                assert len(content) == found.info.size == 50_000

    reader = threading.Thread(target=read)
    reader.start()
    for digit in b"123456789" * 3:
        fill(store, "a", bytes([digit]) * 50_000)
    reader.join(20)
    assert len(seen) == 200
    assert all(len(digits) == 1 for digits in seen)


def test_credentials_belong_to_one_secret(store: LocalObjectStore, tmp_path: Path) -> None:
    mine = store.credentials(BUCKET)
    assert mine == LocalObjectStore(tmp_path / "elsewhere", SECRET).credentials(BUCKET)
    other = LocalObjectStore(tmp_path / "third", SECRET[::-1]).credentials(BUCKET)
    assert mine.access_key != other.access_key and mine.secret_key != other.secret_key


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        LocalObjectStore(tmp_path, b"short")
