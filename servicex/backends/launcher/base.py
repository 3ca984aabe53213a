"""What the server needs of whatever runs transformers, and what a transformer tells the server."""
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

SUMMARY_KEPT = 2048


@dataclass(frozen=True)
class TransformJob:
    """All a launcher has to know of a transform to run workers for it.

    `files` is the generated program, name to content, as a code generator gave it.
    """

    request_id: str
    image: str
    language: str
    command: str
    files: Mapping[str, bytes]
    result_format: str
    result_destination: str


@dataclass(frozen=True)
class Kill:
    """A worker that was killed by what it runs on, for want of memory or of room, and not by us.

    `worker` is its name in reports, `key` tells this kill from all others, `reason` is for a person.
    """

    worker: str
    key: str
    reason: str


@dataclass(frozen=True)
class WorkersStatus:
    """How many workers a transform is to have, how many are ready, and how many are in each state.

    `in_hand` is how many files they are known to have in hand, `messages_each` how many one may have taken at once.
    `trouble` says why none of them can start, `hopeless` whether that lasts too long to wait for; `notes` are for a
    person who wonders where they are. `kills` are all that were seen.
    """

    workers: int
    ready: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    in_hand: int = 0
    messages_each: int = 1
    trouble: str = ""
    hopeless: bool = False
    notes: Sequence[str] = ()
    kills: Sequence[Kill] = ()


@dataclass(frozen=True)
class Failure:
    """Why a file could not be transformed.

    `error_class` is the kind ("KeyInFileError", "WorkerDied", "DeadlineExceeded", "MemoryLimitExceeded"), `message`
    one line for a person, `trace` the stack trace if there is one, `log` the last lines the program printed.
    """

    error_class: str
    message: str
    trace: str = ""
    log: str = ""

    def summary(self) -> str:
        """What a row of `file_status` says of it."""
        reason = f"{self.error_class}: {self.message}\n"
        # Of a trace that is too long the end says most.
        return (reason + self.trace[-max(1, SUMMARY_KEPT - len(reason)):]).strip()[:SUMMARY_KEPT]


@dataclass(frozen=True)
class FileReport:
    """The final word on one file of a transform, after all its attempts.

    `path` is the replica that was read, or the first one if none could be. `object_name` and `object_size` (bytes) are
    those of the stored result, None on failure. `total_time` is in seconds, `total_events` counts input entries.
    """

    request_id: str
    file_id: int
    status: Literal["success", "failure"]
    path: str
    total_time: float
    attempts: int
    host: str
    total_events: int = 0
    object_name: str | None = None
    object_size: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class FileEvent:
    """Something that happened to a file on the way: a row of `file_status`. `at` is an aware UTC time."""

    request_id: str
    file_id: int
    status: Literal["start", "finish", "retry", "failure"]
    at: datetime
    host: str
    info: str = ""


class ReportSink(Protocol):
    """Where a launcher inside the server's own process leaves its reports."""

    def event(self, event: FileEvent) -> None:
        """Remember the event; returns at once. It is stored with the next report, at the latest a few seconds on."""

    def report_all(self, reports: Sequence[FileReport]) -> Sequence[bool]:
        """Store the reports; for each, when it is committed, whether it was stored or is of no more use.

        Raises `Unavailable` when the database is away.
        """


class Launcher(ABC):
    """Runs the transformers of transforms. Every method is idempotent and may be called from any thread."""

    @abstractmethod
    def start(self, job: TransformJob, workers: int) -> None:
        """See that up to `workers` workers serve the transform's queue. Called again, it changes nothing."""

    @abstractmethod
    def scale(self, request_id: str, workers: int) -> None:
        """Change the number of workers; does nothing for a transform that was not started."""

    @abstractmethod
    def status(self, request_id: str) -> WorkersStatus | None:
        """What the workers of the transform are doing; None if it was not started."""

    @abstractmethod
    def logs(self, request_id: str, tail: int) -> str:
        """The last `tail` lines that the transform's workers printed; empty if there are none."""

    @abstractmethod
    def stop(self, request_id: str) -> None:
        """End the transform's workers and forget it; what they were doing is thrown away. Returns within a second."""

    def request_ids(self) -> Sequence[str]:
        """The transforms that have workers, also those that an earlier server left; none if that is not known."""
        return ()

    def health(self) -> str:
        """What is wrong in general, in words; empty if nothing is. Raises `Unavailable` when no worker can be had."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """End all workers; called once when the server stops."""
