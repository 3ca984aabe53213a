"""What the server needs of a message broker."""
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WorkMessage:
    """One file to be transformed; the fields are those a transformer is sent.

    `paths` are the replicas of the file, in order of preference. `file_id` is never 0.
    """

    request_id: str
    file_id: int
    paths: tuple[str, ...]
    service_endpoint: str
    result_destination: str
    result_format: str


@dataclass(frozen=True)
class QueueState:
    """How many messages wait in a queue, those being worked on not counted, and how many consumers it has.

    `consumers` is None where nothing is known of them.
    """

    waiting: int
    consumers: int | None


class Broker(ABC):
    """Queues of work. Every method may be called from any thread and raises `Unavailable` when the broker is away."""

    @abstractmethod
    def declare(self, queue: str) -> None:
        """Make the queue; does nothing if it is there."""

    @abstractmethod
    def publish(self, queue: str, messages: Sequence[WorkMessage]) -> None:
        """Put the messages into the queue; returns when all of them are there for certain.

        Raises `QueueGone` if the queue does not exist; some of the messages may then have been lost.
        """

    @abstractmethod
    def state(self, queue: str) -> QueueState | None:
        """What waits in the queue and who consumes it; None if there is no such queue."""

    def depth(self, queue: str) -> int | None:
        """How many messages wait in the queue; None if there is no such queue."""
        state = self.state(queue)
        return None if state is None else state.waiting

    @abstractmethod
    def delete(self, queue: str) -> None:
        """Remove the queue and what waits in it; does nothing if it is not there."""

    @abstractmethod
    def ping(self) -> None:
        """Return if the broker answers."""

    def close(self) -> None:
        """Called once when the server stops."""


class QueueGone(Exception):
    """Raised when something is published to a queue that does not exist."""


def work_queue(request_id: str) -> str:
    """The name of the queue that the transformers of one transform consume."""
    return f"transformer-{request_id}"
