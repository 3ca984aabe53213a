"""What the server needs of an object store."""
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredObject:
    """One result object: its key in the bucket and its size in bytes."""

    key: str
    size: int


@dataclass(frozen=True)
class Credentials:
    """What a client may be told to read one bucket with."""

    access_key: str
    secret_key: str


class ObjectStore(ABC):
    """Holds one bucket of results per transform; the bucket's name is the request id."""

    @abstractmethod
    def create(self, bucket: str) -> None:
        """Make the bucket; does nothing if it is there."""

    @abstractmethod
    def objects(self, bucket: str) -> Iterator[StoredObject]:
        """The objects of the bucket in the order of their keys; none if there is no such bucket."""

    @abstractmethod
    def credentials(self, bucket: str) -> Credentials:
        """Read-only credentials for this bucket, useless for any other."""

    @abstractmethod
    def delete(self, bucket: str) -> None:
        """Remove the bucket with all its objects; does nothing if it is not there."""
