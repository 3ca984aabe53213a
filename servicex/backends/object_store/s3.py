"""Results in a store that speaks S3, such as MinIO."""
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boto3.s3.transfer import TransferConfig

from servicex.backends.object_store.base import (Content, NoSuchBucket, NoSuchKey, ObjectInfo, ObjectStore, Page,
                                                 PageRequest, StoredObject, check_bucket_name, is_bucket_name)
from servicex.backends.object_store.s3_client import S3Endpoint, StoreAnswered, asking, make_client
from servicex.backends.plain_files import open_plain_file
from servicex.errors import Unavailable

MAX_KEY_BYTES = 1024
MAX_STEP_BYTES = 255  # stores that keep files, MinIO too, take no longer names

_AFTER_ALL = "\U0010ffff"  # the last character there is: what follows a prefix and this has another prefix
_NOT_STEPS = (b"", b".", b"..")
_ROUNDS = 3
# The caller's own thread is enough: as many files are stored at once as there are workers.
_TRANSFER = TransferConfig(use_threads=False)


def is_key(key: str) -> bool:
    """Whether the name can be an object's: at most 1024 bytes, and no path that leads out of its bucket.

    The server signs what it asks of the store, so a client's `../<another bucket>/x` must never get there.
    """
    try:
        steps = key.encode().split(b"/")
    except UnicodeEncodeError:
        return False
    plain = all(step not in _NOT_STEPS and len(step) <= MAX_STEP_BYTES for step in steps)
    return plain and "\0" not in key and len(key.encode()) <= MAX_KEY_BYTES


class S3Object:
    """An object in an S3 store. A part is read from the store only as fast as it is taken from here."""

    def __init__(self, client: Any, bucket: str, info: ObjectInfo):
        self.info = info
        self._client = client
        self._bucket = bucket

    def part(self, start: int, length: int) -> Content:
        """Exactly these bytes, of the very object that was opened: if it was replaced since, `Unavailable`."""
        with asking():
            answer = self._client.get_object(Bucket=self._bucket, Key=self.info.key, IfMatch=self.info.etag,
                                             Range=f"bytes={start}-{start + length - 1}")
        content: Content = answer["Body"]
        return content

    def close(self) -> None:
        """Nothing is held until a part is asked for."""


class S3ObjectStore(ObjectStore):
    """Buckets of an S3 store, to which only the server has the keys.

    A call that gets no answer is tried again a few times and then raises `Unavailable`, as does what the store refuses;
    with the timeouts given, in seconds, the longest wait is about `attempts` times their greater one.
    """

    def __init__(self, endpoint: S3Endpoint, secret: bytes, connect_seconds: float = 5.0, read_seconds: float = 30.0,
                 attempts: int = 3):
        super().__init__(secret)
        self._region = endpoint.region
        self._client = make_client(endpoint, connect_seconds, read_seconds, attempts)

    def create(self, bucket: str) -> None:
        check_bucket_name(bucket)
        place = {} if self._region == "us-east-1" else {
            "CreateBucketConfiguration": {"LocationConstraint": self._region}}
        try:
            with asking():
                self._client.create_bucket(Bucket=bucket, **place)
        except StoreAnswered as answered:
            # The second is also said of a bucket that is somebody else's.
            if answered.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists") or not self.exists(bucket):
                raise

    def exists(self, bucket: str) -> bool:
        if not is_bucket_name(bucket):
            return False
        try:
            with asking():
                self._client.head_bucket(Bucket=bucket)
        except NoSuchKey:  # an answer to HEAD has no body to say what of it is not there
            return False
        return True

    def put(self, bucket: str, key: str, source: Path) -> int:
        check_bucket_name(bucket)
        if not is_key(key):
            raise ValueError(f"{key!r} cannot be an object's name.")
        with open_plain_file(source) as file:
            size = os.fstat(file.fileno()).st_size
            with asking():
                self._client.upload_fileobj(file, bucket, key, Config=_TRANSFER)
        source.unlink(missing_ok=True)
        return size

    def settle(self, bucket: str) -> None:
        """Does nothing: what a store has acknowledged is there."""

    def objects(self, bucket: str) -> Iterator[StoredObject]:
        try:
            for page in self._pages(bucket):
                yield from page.objects
        except NoSuchBucket:
            return

    def page(self, bucket: str, wanted: PageRequest) -> Page:
        if not is_bucket_name(bucket) or not wanted.max_entries and not self.exists(bucket):
            raise NoSuchBucket(f"There is no bucket {bucket!r}.")
        if not wanted.max_entries:
            return Page()
        given = {"Prefix": wanted.prefix, "Delimiter": wanted.delimiter, "StartAfter": wanted.after}
        with asking():
            answer = self._client.list_objects_v2(Bucket=bucket, MaxKeys=wanted.max_entries,
                                                  **{name: value for name, value in given.items() if value})
        return _page(answer)

    def open(self, bucket: str, key: str) -> S3Object:
        """The object, of which nothing is read yet: its size is needed first to know what a range means."""
        try:
            return S3Object(self._client, bucket, self._info(bucket, key))
        except NoSuchKey:
            if not self.exists(bucket):
                raise NoSuchBucket(f"There is no bucket {bucket!r}.") from None
            raise

    def delete_object(self, bucket: str, key: str) -> None:
        check_bucket_name(bucket)
        if not is_key(key):
            return
        try:
            with asking():
                self._client.delete_object(Bucket=bucket, Key=key)
        except (NoSuchBucket, NoSuchKey):
            return

    def delete(self, bucket: str) -> None:
        """Remove the bucket with all its objects, a thousand at a time; does nothing if it is not there."""
        check_bucket_name(bucket)
        try:
            for _ in range(_ROUNDS):
                self._empty(bucket)
                if self._remove_empty(bucket):
                    return
        except NoSuchBucket:
            return
        raise Unavailable("The bucket is written to while it is removed.")

    def _info(self, bucket: str, key: str) -> ObjectInfo:
        if not is_bucket_name(bucket) or not is_key(key):
            raise NoSuchKey(f"There is no object {key!r}.")
        with asking():
            head = self._client.head_object(Bucket=bucket, Key=key)
        return ObjectInfo(key, head["ContentLength"], head["LastModified"].timestamp(), head["ETag"])

    def _pages(self, bucket: str) -> Iterator[Page]:
        """All pages of a bucket. It ends whatever is done to the bucket meanwhile, since it only goes forward."""
        page = Page(truncated=True)
        while page.truncated:
            page = self.page(bucket, PageRequest(after=page.last))
            yield page

    def _empty(self, bucket: str) -> None:
        for page in self._pages(bucket):
            if page.objects:
                self._delete_all(bucket, page)
        with asking():
            for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
                for upload in page.get("Uploads", ()):
                    self._client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def _delete_all(self, bucket: str, page: Page) -> None:
        keys = [{"Key": found.key} for found in page.objects]
        with asking():
            answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        if answer.get("Errors"):
            raise StoreAnswered(answer["Errors"][0].get("Code", ""))

    def _remove_empty(self, bucket: str) -> bool:
        """Remove the bucket; False if it is not empty, since a worker was still at it."""
        try:
            with asking():
                self._client.delete_bucket(Bucket=bucket)
        except StoreAnswered as answered:
            if answered.code != "BucketNotEmpty":
                raise
            return False
        return True


def _page(answer: dict[str, Any]) -> Page:
    objects = [ObjectInfo(one["Key"], one["Size"], one["LastModified"].timestamp(), one["ETag"])
               for one in answer.get("Contents", ())]
    prefixes = [one["Prefix"] for one in answer.get("CommonPrefixes", ())]
    covered = [found.key for found in objects[-1:]] + [prefix + _AFTER_ALL for prefix in prefixes[-1:]]
    return Page(objects, prefixes, max(covered, default=""), answer["IsTruncated"])
