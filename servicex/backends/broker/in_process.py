"""The broker of the embedded mode: queues in the server's own memory.

What waits in them is lost with the process, as a broker may lose it: the database says what is to be published again.
"""
import threading
from collections import deque
from collections.abc import Callable, Sequence

from servicex.backends.broker.base import Broker, QueueGone, QueueState, WorkMessage


class InProcessBroker(Broker):
    """Queues in memory. A message that was taken is gone from its queue for good."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[WorkMessage]] = {}
        self._listeners: list[Callable[[], None]] = []

    def declare(self, queue: str) -> None:
        with self._lock:
            self._queues.setdefault(queue, deque())

    def publish(self, queue: str, messages: Sequence[WorkMessage]) -> None:
        with self._lock:
            if queue not in self._queues:
                raise QueueGone(queue)
            self._queues[queue].extend(messages)
        for listener in self._listeners:
            listener()

    def state(self, queue: str) -> QueueState | None:
        with self._lock:
            waiting = self._queues.get(queue)
            return None if waiting is None else QueueState(len(waiting), None)

    def delete(self, queue: str) -> None:
        with self._lock:
            self._queues.pop(queue, None)

    def ping(self) -> None:
        """Nothing to be asked: the broker is there as long as the process is."""

    def take(self, queue: str) -> WorkMessage | None:
        """Remove and return the oldest message of the queue; None if there is none, or no such queue."""
        with self._lock:
            waiting = self._queues.get(queue)
            return waiting.popleft() if waiting else None

    def on_publish(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each publication, in the thread that published and with no lock held."""
        self._listeners.append(listener)
