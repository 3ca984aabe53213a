"""Where local workers take their files from."""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from servicex.backends.broker.base import WorkMessage
from servicex.backends.broker.in_process import InProcessBroker


@dataclass(frozen=True)
class Work:
    """A file that was taken from a queue.

    `paths` are its replicas in the order in which they are tried, as reports tell them, and `reads` is where each of
    them is read. `fetched` is a local copy of the first, for the first attempt made here. `attempts` is how many were
    made elsewhere before.
    """

    message: WorkMessage
    paths: tuple[str, ...]
    reads: tuple[str, ...]
    fetched: Path | None = None
    attempts: int = 0


class WorkSource(Protocol):
    """Queues that work is taken from. Every method may be called from any thread and returns at once."""

    def take(self, queue: str) -> Work | None:
        """The next file of the queue; None if there is none just now."""

    def settle(self, work: Work, reported: bool) -> None:
        """Be told that the file was reported for good, or that it was not and has to come again."""

    def on_publish(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, with no lock held, whenever there may be more to take."""


class InProcessWork:
    """The queues of the embedded server. What was taken from them only comes again when it is published again."""

    def __init__(self, broker: InProcessBroker):
        self._broker = broker

    def take(self, queue: str) -> Work | None:
        """The next file of the queue, read where it is."""
        message = self._broker.take(queue)
        return None if message is None else Work(message, message.paths, message.paths)

    def settle(self, work: Work, reported: bool) -> None:
        """Nothing to be done: the message is gone since it was taken."""

    def on_publish(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each publication."""
        self._broker.on_publish(listener)
