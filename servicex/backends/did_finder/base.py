"""What the server needs of a DID finder, and what a finder tells the server."""
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True)
class FoundFile:
    """One file of a dataset. `paths` are its replicas in order of preference; sizes are in bytes, 0 if not known."""

    paths: tuple[str, ...]
    adler32: str | None = None
    file_size: int = 0
    file_events: int = 0


class LookupFailure(StrEnum):
    """Why a look-up failed, in the words the client knows."""

    DOES_NOT_EXIST = "does_not_exist"
    BAD_NAME = "bad_name"
    INTERNAL_FAILURE = "internal_failure"


class LookupEnded(Exception):
    """Raised by a `LookupSink` when the look-up is no longer wanted; the finder stops."""


class LookupSink(Protocol):
    """Where a finder inside the server's own process leaves what it finds. Each call returns after its commit."""

    def files(self, dataset_id: int, files: Sequence[FoundFile]) -> None:
        """Add files to the dataset; those it has already are not added again."""

    def complete(self, dataset_id: int) -> None:
        """Say that all files were found."""

    def failed(self, dataset_id: int, reason: LookupFailure, message: str) -> None:
        """Say that the look-up failed, in words for a person."""


class DidFinder(ABC):
    """Finds the files of the datasets of some schemes.

    `inside`: whether it works in the process that asks it, and ends with it.
    """

    inside: bool = False

    @property
    @abstractmethod
    def schemes(self) -> frozenset[str]:
        """The DID schemes it serves, without `://`."""

    def check(self, scheme: str, did: str) -> None:
        """Raise `InvalidDataset` if the DID (without its scheme) can be refused without looking it up."""

    @abstractmethod
    def look_up(self, scheme: str, did: str, dataset_id: int) -> None:
        """Begin to look the DID up; returns at once. What is found is told to the sink or callback it was made with.

        Asked again for the same dataset while the first look-up goes on, it does nothing.
        """

    def running(self, dataset_id: int) -> bool:
        """Whether the look-up is known to go on, or to wait for its turn; one that is not known may be asked again."""
        return False

    def close(self) -> None:
        """Called once when the server stops."""
