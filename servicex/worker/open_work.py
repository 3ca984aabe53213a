"""What a worker was given by the broker and has not settled yet."""
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from servicex.backends.broker.base import WorkMessage
from servicex.backends.launcher.local_work import Work
from servicex.worker.inputs import make_work
from servicex.worker.prefetch import Prefetch


class Arrival(Enum):
    """What is known of a message that comes: nothing, that it is in hand, or that it was reported."""

    NEW = "new"
    IN_HAND = "in hand"
    DONE = "done"


@dataclass(frozen=True)
class Receipt:
    """What a message is acknowledged by: its number on one of the channels that a worker has had in turn."""

    channel: int
    tag: int


@dataclass
class Held:
    """A file in hand, and the messages that ask for it: more than one where it came again."""

    work: Work
    receipts: list[Receipt] = field(default_factory=list)
    begun: bool = False


class OpenWork:
    """The `WorkSource` of a worker. `settled` is called with receipts, and whether their file was reported.

    A file that comes while another one is in hand is fetched first, if it is remote and small.
    """

    def __init__(self, prefetch: Prefetch, cache_hosts: Sequence[str]):
        self._prefetch = prefetch
        self._cache_hosts = tuple(cache_hosts)
        self._lock = threading.Lock()
        self._held: dict[int, Held] = {}
        self._ready: deque[int] = deque()
        self._done: set[int] = set()
        self._listeners: list[Callable[[], None]] = []
        self.settled: Callable[[Sequence[Receipt], bool], None] = lambda receipts, reported: None

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand."""
        return not self._held

    def what_is(self, file_id: int) -> Arrival:
        """What is known of a file."""
        with self._lock:
            if file_id in self._done:
                return Arrival.DONE
            return Arrival.IN_HAND if file_id in self._held else Arrival.NEW

    def add(self, message: WorkMessage, attempts: int, receipt: Receipt) -> None:
        """Take a message; `attempts` were made at its file elsewhere. Of one in hand only the receipt is added."""
        work = make_work(message, self._cache_hosts, attempts)
        with self._lock:
            held = self._held.get(message.file_id)
            if held is not None:
                held.receipts.append(receipt)
                return
            busy = bool(self._held)
            self._held[message.file_id] = Held(work, [receipt])
        if busy and self._prefetch.wants(work.reads[0]):
            self._prefetch.add(work.reads[0], message.file_id, self._fetched)
        else:
            self._make_ready(message.file_id, None)

    def _fetched(self, file_id: int, file: Path | None) -> None:
        if not self._make_ready(file_id, file) and file is not None:
            file.unlink(missing_ok=True)

    def _make_ready(self, file_id: int, fetched: Path | None) -> bool:
        """Let a file be taken; False if it was given back meanwhile."""
        with self._lock:
            held = self._held.get(file_id)
            if held is None:
                return False
            held.work = replace(held.work, fetched=fetched)
            self._ready.append(file_id)
        for listener in self._listeners:
            listener()
        return True

    def take(self, queue: str) -> Work | None:
        """The next file; None if there is none just now."""
        with self._lock:
            if not self._ready:
                return None
            held = self._held[self._ready.popleft()]
            held.begun = True
            return held.work

    def settle(self, work: Work, reported: bool) -> None:
        """Be done with a file, and acknowledge its messages, or have them come again."""
        file_id = work.message.file_id
        with self._lock:
            held = self._held.pop(file_id, None)
            if reported:
                self._done.add(file_id)
        if work.fetched is not None:
            work.fetched.unlink(missing_ok=True)
        if held is not None:
            self.settled(held.receipts, reported)

    def give_back(self) -> Sequence[Held]:
        """Let go of all that is not begun."""
        with self._lock:
            self._ready.clear()
            unbegun = [file_id for file_id, held in self._held.items() if not held.begun]
            given = [self._held.pop(file_id) for file_id in unbegun]
        for held in given:
            if held.work.fetched is not None:
                held.work.fetched.unlink(missing_ok=True)
        return given

    def on_publish(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when a file can be taken."""
        self._listeners.append(listener)
