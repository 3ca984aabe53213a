"""Whose turn it is: which transform a free local worker serves next."""
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.launcher.local_transform import LocalTransform

# How long a worker stays with its transform while others wait for a turn. Changing costs a fork and an import of the
# program, about 20 ms; files that take longer than this change hands each time.
STAY = 0.5


@dataclass(frozen=True)
class Turn:
    """One file for one worker."""

    transform: LocalTransform
    message: WorkMessage


class Stint:
    """How long a worker has been with a transform."""

    def __init__(self) -> None:
        self.transform: LocalTransform | None = None
        self._since = 0.0

    def may_stay(self) -> bool:
        """Whether it may go on although another transform has as good a claim."""
        return time.monotonic() - self._since < STAY

    def go_to(self, transform: LocalTransform) -> None:
        """Note the transform of the next turn."""
        if transform is not self.transform or not self.may_stay():
            self.transform, self._since = transform, time.monotonic()


class Turns:
    """The started transforms, and who has which of their files in hand. Every method may be called from any thread."""

    def __init__(self, broker: InProcessBroker):
        self._broker = broker
        self._changed = threading.Condition()
        self._transforms: dict[str, LocalTransform] = {}
        self._turns = 0
        self._closed = False

    def add(self, transform: LocalTransform) -> None:
        """Have the transform served."""
        with self._changed:
            self._transforms[transform.job.request_id] = transform
            self._changed.notify_all()

    def get(self, request_id: str) -> LocalTransform | None:
        """The transform, None if it is not served here."""
        with self._changed:
            return self._transforms.get(request_id)

    def remove(self, request_id: str) -> LocalTransform | None:
        """Give out no more turns for the transform; gives it if it was there."""
        with self._changed:
            return self._transforms.pop(request_id, None)

    def all(self) -> list[str]:
        """The ids of all transforms."""
        with self._changed:
            return list(self._transforms)

    def wake(self) -> None:
        """Look for work again: something was published or changed."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Give out no more turns; `next` returns None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def next(self, worker: str, stint: Stint) -> Turn | None:
        """Wait for the next turn of a worker; None when there will be none. It has to be given back with `end`."""
        with self._changed:
            while not self._closed:
                if (turn := self._take(worker, stint)) is not None:
                    return turn
                self._changed.wait()
        return None

    def end(self, worker: str, turn: Turn, reported: bool) -> None:
        """Give a turn back. A file that was not `reported` may be taken up again when it is published again."""
        transform, file_id = turn.transform, turn.message.file_id
        with self._changed:
            transform.states.pop(worker, None)
            transform.in_hand.discard(file_id)
            if reported:
                transform.done.add(file_id)
            self._changed.notify_all()

    def wait_until_left(self, transform: LocalTransform, timeout: float) -> bool:
        """Wait up to `timeout` seconds until no worker has a file of the transform in hand."""
        with self._changed:
            return self._changed.wait_for(lambda: not transform.states, timeout)

    def _take(self, worker: str, stint: Stint) -> Turn | None:
        for transform in in_turn(self._transforms.values(), stint.transform if stint.may_stay() else None):
            message = self._take_from(transform)
            if message is not None:
                self._turns += 1
                transform.last_served = self._turns
                transform.states[worker] = "transforming"
                transform.in_hand.add(message.file_id)
                stint.go_to(transform)
                return Turn(transform, message)
        return None

    def _take_from(self, transform: LocalTransform) -> WorkMessage | None:
        """The next message of the transform that is not a repetition."""
        queue = work_queue(transform.job.request_id)
        while (message := self._broker.take(queue)) is not None:
            if message.file_id not in transform.in_hand and message.file_id not in transform.done:
                return message
        return None


def in_turn(transforms: Iterable[LocalTransform], favourite: LocalTransform | None) -> list[LocalTransform]:
    """The transforms that may have another worker, the one with the best claim first.

    That is the one with the fewest workers; among equals the favourite, then the one served longest ago.
    """
    open_to_more = [transform for transform in transforms if len(transform.states) < transform.workers]
    return sorted(open_to_more, key=lambda it: (len(it.states), it is not favourite, it.last_served))
