"""What every object store does, whatever keeps the objects."""
import re
from pathlib import Path

import pytest

from servicex.backends.object_store.base import NoSuchBucket, NoSuchKey, ObjectStore, PageRequest
from tests.object_store.asking import BUCKET, OTHER_BUCKET, both_kinds, fill, odd_keys, size

pytestmark = both_kinds

BAD_BUCKETS = ["", "..", "results", BUCKET.upper(), BUCKET + "/", "1b4e28ba-2fa1-1d2b-883f-0016d3cca427"]
BAD_KEYS = ["", ".", "..", f"../{OTHER_BUCKET}/secret", "/etc/passwd", "a\0b", "x" * 300, "é" * 128, "\ud800"]


def test_create_is_idempotent(store: ObjectStore) -> None:
    assert not store.exists(OTHER_BUCKET)
    for _ in range(2):
        store.create(OTHER_BUCKET)
        assert store.exists(OTHER_BUCKET)
    assert list(store.objects(OTHER_BUCKET)) == []


def test_what_is_put_is_there(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "made"
    source.write_bytes(b"some bytes")
    assert store.put(BUCKET, "a.root", source) == 10
    store.settle(BUCKET)
    assert not source.exists()
    assert size(store, BUCKET, "a.root") == 10
    assert [(one.key, one.size) for one in store.objects(BUCKET)] == [("a.root", 10)]


def test_put_replaces(store: ObjectStore) -> None:
    fill(store, "a", b"first")
    tag = store.open(BUCKET, "a").info.etag
    fill(store, "a", b"second")
    assert size(store, BUCKET, "a") == 6
    assert store.open(BUCKET, "a").info.etag != tag


def test_only_plain_files_are_put(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder", "missing"):
        with pytest.raises(OSError):
            store.put(BUCKET, "a", tmp_path / name)
    assert list(store.objects(BUCKET)) == []


def test_objects_come_in_the_order_of_their_bytes(store: ObjectStore) -> None:
    keys = odd_keys(store)
    for key in keys:
        fill(store, key, key.encode())
    assert [(one.key, one.size) for one in store.objects(BUCKET)] == [
        (key, len(key.encode())) for key in sorted(keys, key=str.encode)]


def test_pages(store: ObjectStore) -> None:
    for key in ("a1", "a2", "a3", "b"):
        fill(store, key)
    first = store.page(BUCKET, PageRequest(max_entries=2))
    assert ([one.key for one in first.objects], first.truncated) == (["a1", "a2"], True)
    second = store.page(BUCKET, PageRequest(after=first.last))
    assert ([one.key for one in second.objects], second.truncated) == (["a3", "b"], False)
    assert [one.key for one in store.page(BUCKET, PageRequest(prefix="a")).objects] == ["a1", "a2", "a3"]
    assert store.page(BUCKET, PageRequest(max_entries=0)).objects == []
    for wanted in (PageRequest(), PageRequest(max_entries=0)):
        with pytest.raises(NoSuchBucket):
            store.page(OTHER_BUCKET, wanted)


def test_parts(store: ObjectStore) -> None:
    fill(store, "a", b"0123456789")
    found = store.open(BUCKET, "a")
    assert found.info.size == 10 and found.info.modified > 1e9
    part = found.part(3, 4)
    assert part.read(4) == b"3456"
    part.close()
    part.close()


def test_what_is_not_there(store: ObjectStore) -> None:
    assert size(store, BUCKET, "a") is None
    assert size(store, OTHER_BUCKET, "a") is None
    assert list(store.objects(OTHER_BUCKET)) == []
    with pytest.raises(NoSuchKey):
        store.open(BUCKET, "a")
    with pytest.raises(NoSuchBucket):
        store.open(OTHER_BUCKET, "a")
    store.delete_object(BUCKET, "a")
    store.delete(OTHER_BUCKET)


def test_an_object_is_deleted_alone(store: ObjectStore) -> None:
    fill(store, "a")
    fill(store, "b")
    for _ in range(2):
        store.delete_object(BUCKET, "a")
        assert [one.key for one in store.objects(BUCKET)] == ["b"]


def test_a_bucket_is_deleted_with_all_in_it(store: ObjectStore) -> None:
    for key in ("a", "b", "c d"):
        fill(store, key)
    fill(store, "kept", bucket=OTHER_BUCKET)
    for _ in range(2):
        store.delete(BUCKET)
        assert not store.exists(BUCKET)
    assert size(store, OTHER_BUCKET, "kept") == 10


@pytest.mark.parametrize("key", BAD_KEYS)
def test_bad_keys_are_refused(store: ObjectStore, tmp_path: Path, key: str) -> None:
    fill(store, "secret", bucket=OTHER_BUCKET)
    source = tmp_path / "made"
    source.touch()
    with pytest.raises(ValueError):
        store.put(BUCKET, key, source)
    with pytest.raises(NoSuchKey):
        store.open(BUCKET, key)
    store.delete_object(BUCKET, key)
    assert size(store, BUCKET, key) is None
    assert size(store, OTHER_BUCKET, "secret") == 10


@pytest.mark.parametrize("bucket", BAD_BUCKETS)
def test_bad_buckets_are_refused(store: ObjectStore, bucket: str) -> None:
    for method in (store.create, store.credentials, store.delete):
        with pytest.raises(ValueError):
            method(bucket)
    assert not store.exists(bucket)
    assert list(store.objects(bucket)) == []
    assert size(store, bucket, "a") is None
    with pytest.raises(NoSuchBucket):
        store.page(bucket, PageRequest())


def test_credentials_belong_to_one_bucket(store: ObjectStore) -> None:
    mine, other = store.credentials(BUCKET), store.credentials(OTHER_BUCKET)
    assert mine == store.credentials(BUCKET)
    assert re.fullmatch("[A-Z0-9]{20}", mine.access_key)
    assert re.fullmatch("[A-Za-z0-9_-]{40}", mine.secret_key)
    assert mine.access_key != other.access_key and mine.secret_key != other.secret_key
    assert mine.secret_key not in repr(mine)
