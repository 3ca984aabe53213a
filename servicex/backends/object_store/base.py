"""What the server needs of an object store."""
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from servicex.backends.object_store.credentials import MIN_SECRET_BYTES, Credentials, derived_credentials
from servicex.errors import NotFound

BUCKET_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

_BUCKET = re.compile(BUCKET_PATTERN)


class NoSuchBucket(NotFound):
    """Raised when there is no bucket of this name."""


class NoSuchKey(NotFound):
    """Raised when the bucket has no object of this name, or the name can be no object's."""


@dataclass(frozen=True)
class StoredObject:
    """One result object: its key in the bucket and its size in bytes."""

    key: str
    size: int


@dataclass(frozen=True)
class ObjectInfo(StoredObject):
    """What is known of an object; also its time of storing in seconds since 1970, and a tag that changes with it."""

    modified: float
    etag: str


@dataclass(frozen=True)
class PageRequest:
    """Which page of a listing is wanted: keys that begin with `prefix` and come after `after`, in order.

    Keys that share what comes before the `delimiter` count as one entry; `max_entries` is at most 1000.
    """

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    max_entries: int = 1000


@dataclass
class Page:
    """A page of objects and of the prefixes they share. `last` is where the next one starts, if it is `truncated`."""

    objects: list[ObjectInfo] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    truncated: bool = False


class Content(Protocol):
    """Bytes on their way out."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""

    def close(self) -> None:
        """Give up what holds them; may be called again."""


class OpenObject(Protocol):
    """An object that was found and can be read."""

    @property
    def info(self) -> ObjectInfo:
        """What is known of it."""

    def part(self, start: int, length: int) -> Content:
        """Its bytes from `start` on, `length` of them or more, to be closed by the caller.

        Raises `NoSuchKey` or `Unavailable`. Closing either closes both.
        """

    def close(self) -> None:
        """Close it, where nothing of it is read."""


def is_bucket_name(bucket: str) -> bool:
    """Whether the name can be a bucket's: a lower-case random UUID, as request ids are."""
    return _BUCKET.fullmatch(bucket) is not None


def check_bucket_name(bucket: str) -> None:
    """Raise `ValueError` if the name can be no bucket's."""
    if not is_bucket_name(bucket):
        raise ValueError(f"{bucket!r} cannot be a bucket's name.")


class ObjectStore(ABC):
    """Holds one bucket of results per transform; the bucket's name is the request id.

    Clients read a bucket with credentials derived from `secret` for it alone. A bucket name that is no lower-case uuid4
    raises `ValueError`, or `NoSuchBucket` where something is read. Every method may be called from any thread, and
    raises `Unavailable` when the store is away.
    """

    def __init__(self, secret: bytes):
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"The object store's secret must have at least {MIN_SECRET_BYTES} bytes.")
        self._secret = secret

    def credentials(self, bucket: str) -> Credentials:
        """Read-only credentials for this bucket, useless for any other; the same at each call and after a restart."""
        check_bucket_name(bucket)
        return derived_credentials(self._secret, bucket)

    @abstractmethod
    def create(self, bucket: str) -> None:
        """Make the bucket; does nothing if it is there."""

    @abstractmethod
    def exists(self, bucket: str) -> bool:
        """Whether there is such a bucket."""

    @abstractmethod
    def put(self, bucket: str, key: str, source: Path) -> int:
        """Move the file `source` into the bucket; gives its size in bytes. An object of the same name is replaced.

        That it is in the bucket is sure after the next `settle`. Raises `ValueError` for an impossible key, and
        `OSError` or `NoSuchBucket` if there is no such bucket: it may just have been deleted.
        """

    @abstractmethod
    def settle(self, bucket: str) -> None:
        """Make what was put into the bucket last, come what may; does nothing if there is no such bucket."""

    @abstractmethod
    def objects(self, bucket: str) -> Iterator[StoredObject]:
        """The objects of the bucket in the order of their keys; none if there is no such bucket."""

    @abstractmethod
    def page(self, bucket: str, wanted: PageRequest) -> Page:
        """A page of the bucket's listing. Raises `NoSuchBucket`."""

    @abstractmethod
    def open(self, bucket: str, key: str) -> OpenObject:
        """The object, to be closed by the caller. Raises `NoSuchBucket` or `NoSuchKey`."""

    @abstractmethod
    def delete_object(self, bucket: str, key: str) -> None:
        """Remove an object; does nothing if it is not there."""

    @abstractmethod
    def delete(self, bucket: str) -> None:
        """Remove the bucket with all its objects; does nothing if it is not there."""
