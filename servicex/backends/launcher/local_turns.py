"""Whose turn it is: which transform a free local worker serves next."""
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.launcher.local_transform import TRANSFORMING, LocalTransform
from servicex.backends.launcher.local_work import Work, WorkSource

# How long a worker stays with its transform while others wait for a turn. Changing costs a fork and an import of the
# program, about 20 ms; files that take longer than this change hands each time.
STAY = 0.5


@dataclass(frozen=True)
class Turn:
    """One attempt at one file for one worker. `started` is when the first one here began, on the monotonic clock."""

    transform: LocalTransform
    work: Work
    attempt: int = 1
    started: float = field(default_factory=time.monotonic)

    @property
    def message(self) -> WorkMessage:
        """What is to be done."""
        return self.work.message

    @property
    def fetched(self) -> Path | None:
        """A local copy of the first replica. Only the first attempt uses it, should it be that which it fails of."""
        return self.work.fetched if self.attempt == self.work.attempts + 1 else None


@dataclass(frozen=True)
class _Retry:
    due: float
    turn: Turn


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

    def __init__(self, source: WorkSource):
        self._source = source
        self._changed = threading.Condition()
        self._transforms: dict[str, LocalTransform] = {}
        self._retries: defaultdict[LocalTransform, list[_Retry]] = defaultdict(list)
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
        """Stop giving out turns for the transform, for good; gives it if it was there."""
        with self._changed:
            transform = self._transforms.pop(request_id, None)
            if transform is not None:
                transform.stopped.set()
                self._retries.pop(transform, None)
            return transform

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
        """Wait for a worker's next turn; None when there will be none. It is given back with `account` or `again`."""
        with self._changed:
            while not self._closed:
                if (turn := self._take(worker, stint)) is not None:
                    return turn
                self._changed.wait(self._seconds_to_retry())
        return None

    def again(self, worker: str, turn: Turn, pause: float) -> None:
        """Give a turn back for another attempt after `pause` seconds, by whoever is free then."""
        with self._changed:
            turn.transform.states.pop(worker, None)
            if not turn.transform.stopped.is_set():
                self._retries[turn.transform].append(_Retry(time.monotonic() + pause, turn))
            self._changed.notify_all()

    def set_state(self, worker: str, turn: Turn, state: str) -> None:
        """Note what the worker does with its file; when it only has to be stored, another one may be taken."""
        with self._changed:
            turn.transform.states[worker] = state
            self._changed.notify_all()

    def leave(self, worker: str, turn: Turn) -> None:
        """Note that the worker is done with its file, which `account` is to be told of."""
        with self._changed:
            turn.transform.states.pop(worker, None)
            turn.transform.reporting += 1
            self._changed.notify_all()

    def account(self, turn: Turn, reported: bool) -> None:
        """Give a turn back for good. A file that was not `reported` may be taken up when it is published again."""
        transform, file_id = turn.transform, turn.message.file_id
        with self._changed:
            transform.reporting -= 1
            transform.in_hand.discard(file_id)
            if reported:
                transform.done.add(file_id)
            self._changed.notify_all()
        self._source.settle(turn.work, reported)

    def wait_until_left(self, transform: LocalTransform, timeout: float) -> bool:
        """Wait up to `timeout` seconds until no worker has a file of the transform in hand."""
        with self._changed:
            return self._changed.wait_for(lambda: not transform.states, timeout)

    def _take(self, worker: str, stint: Stint) -> Turn | None:
        for transform in in_turn(self._transforms.values(), stint.transform if stint.may_stay() else None):
            turn = self._retry(transform) or self._first_attempt(transform)
            if turn is not None:
                self._turns += 1
                transform.last_served = self._turns
                transform.states[worker] = TRANSFORMING
                transform.in_hand.add(turn.message.file_id)
                stint.go_to(transform)
                return turn
        return None

    def _retry(self, transform: LocalTransform) -> Turn | None:
        """An attempt of the transform whose pause is over."""
        for retry in self._retries.get(transform, ()):
            if retry.due <= time.monotonic():
                self._retries[transform].remove(retry)
                return replace(retry.turn, attempt=retry.turn.attempt + 1)
        return None

    def _first_attempt(self, transform: LocalTransform) -> Turn | None:
        """An attempt at the next file published for the transform that is not a repetition."""
        queue = work_queue(transform.job.request_id)
        while (work := self._source.take(queue)) is not None:
            file_id = work.message.file_id
            if file_id not in transform.in_hand and file_id not in transform.done:
                return Turn(transform, work, work.attempts + 1)
        return None

    def _seconds_to_retry(self) -> float | None:
        """When to look again for lack of anything to wake up for; None if never.

        A transform that has all its workers wakes this up itself when one of them is free.
        """
        dues = [retry.due for transform, retries in self._retries.items() if transform.busy < transform.workers
                for retry in retries]
        return max(0.0, min(dues) - time.monotonic()) if dues else None


def in_turn(transforms: Iterable[LocalTransform], favourite: LocalTransform | None) -> list[LocalTransform]:
    """The transforms that may have another worker, the one with the best claim first.

    That is the one with the fewest busy workers; among equals the favourite, then the one served longest ago.
    """
    open_to_more = [transform for transform in transforms if transform.busy < transform.workers]
    return sorted(open_to_more, key=lambda it: (it.busy, it is not favourite, it.last_served))
