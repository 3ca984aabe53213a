"""Brings the reports of local workers to the server, many at a time."""
import logging
import threading
import time
from collections.abc import Sequence

from servicex.backends.launcher.base import FileReport, ReportSink
from servicex.backends.launcher.local_turns import Turn, Turns
from servicex.backends.patience import patiently

# The first report goes at once; those that follow it within this time go together, unless nothing more of their
# transform is under way. A report that is lost with the server costs its file another attempt and nothing else, so
# workers need not wait for it to be stored.
INTERVAL = 0.1

logger = logging.getLogger(__name__)


class Deliveries(threading.Thread):
    """Delivers what it is given, in a thread of its own, until it is closed.

    While the database is away a delivery is tried again for `seconds`, and then given up: the controller hands out anew
    what it hears nothing of.
    """

    def __init__(self, reports: ReportSink, turns: Turns, seconds: float):
        super().__init__(name="deliveries", daemon=True)
        self._reports = reports
        self._turns = turns
        self._seconds = seconds
        self._changed = threading.Condition()
        self._waiting: list[tuple[Turn, FileReport]] = []
        self._closed = threading.Event()
        self._urgent = threading.Event()

    def add(self, turn: Turn, report: FileReport) -> None:
        """Have the report on a turn delivered; the turn is accounted for when it was."""
        with self._changed:
            self._waiting.append((turn, report))
            self._changed.notify()
        if not turn.transform.states:
            self._urgent.set()

    def close(self) -> None:
        """Deliver what was given, then stop; a delivery that fails now is not tried again."""
        with self._changed:
            self._closed.set()
            self._changed.notify()
        self._urgent.set()

    def run(self) -> None:
        """Deliver until closed."""
        while batch := self._gather():
            began = time.monotonic()
            for (turn, _), reported in zip(batch, self._deliver(batch), strict=True):
                self._turns.account(turn, reported)
            self._urgent.wait(max(0.0, began + INTERVAL - time.monotonic()))

    def _gather(self) -> list[tuple[Turn, FileReport]]:
        """What waits, as soon as anything does; nothing once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
            self._urgent.clear()
            batch, self._waiting = self._waiting, []
            return batch

    def _deliver(self, batch: Sequence[tuple[Turn, FileReport]]) -> Sequence[bool]:
        """Deliver a batch; for each of it whether it is accounted for."""
        stored: list[bool] = []

        def deliver() -> None:
            wanted = [not turn.transform.stopped.is_set() for turn, _ in batch]
            answers = iter(self._reports.report_all([r for (_, r), want in zip(batch, wanted, strict=True) if want]))
            stored[:] = [want and next(answers) for want in wanted]
        try:
            for transform in {turn.transform for turn, _ in batch}:
                transform.store.settle(transform.job.request_id)
            if not patiently(deliver, self._seconds, self._closed):
                deliver()
            return stored
        except Exception as error:
            logger.error("gave up %d reports: %s", len(batch), error)
            return [False] * len(batch)
