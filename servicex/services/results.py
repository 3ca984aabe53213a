"""Reports on files are committed in groups; what a group changes is in `accounting`."""
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from servicex.backends.launcher.base import Failure, FileEvent, FileReport
from servicex.errors import NotFound, Unavailable
from servicex.services.accounting import Waiting, store
from servicex.services.transactions import Transactions

log = logging.getLogger(__name__)
GROUP_LIMIT = 500
EVENTS_LIMIT = 10_000
# A transaction costs a few milliseconds of CPU, with one report in it or with twenty.
GATHER_SECONDS = 0.005


class ResultService:
    """Takes the reports on files. It is the `ReportSink` of launchers, and serves the callbacks of remote ones.

    Callers that come while a commit is under way form the next group: whoever is first when it is over commits for all
    that wait, and if there were several the last time, lets more come for a moment. So one transaction and one disk
    sync serve many files under load, and nobody waits without load.
    """

    def __init__(self, transactions: Transactions, wake: Callable[[], None]):
        self._transactions = transactions
        self._wake = wake
        self._changed = threading.Condition()
        self._committing = False
        self._crowded = False
        self._waiting: list[Waiting] = []
        self._events: list[FileEvent] = []

    def event(self, event: FileEvent) -> None:
        """Remember what happened to a file; it is stored with the next group, at the latest by `flush`."""
        with self._changed:
            if len(self._events) < EVENTS_LIMIT:
                self._events.append(event)

    def report(self, report: FileReport, event: FileEvent | None = None) -> bool:
        """Store the report, and the event if the report is news; returns when it is committed.

        Raises NotFound for a transform or a file that was never given out. A repeated, late or contradicting report is
        no error, and changes nothing it should not. False says that the object it names is not the result of its file.
        """
        (waiting,) = self._stored([Waiting(report, event)])
        if waiting.error:
            raise waiting.error
        return waiting.wanted

    def report_all(self, reports: Sequence[FileReport]) -> list[bool]:
        """Store the reports; for each whether it was stored, or refused for good. Raises Unavailable."""
        errors = [waiting.error for waiting in self._stored([Waiting(report) for report in reports])]
        for report, error in zip(reports, errors, strict=True):
            if isinstance(error, Unavailable):
                raise error
            if error:
                log.warning("report on file %s of %s not stored: %s", report.file_id, report.request_id, error)
        return [error is None or isinstance(error, NotFound) for error in errors]

    def _stored(self, mine: Sequence[Waiting]) -> Sequence[Waiting]:
        """Commit reports, in a group with those of others; what is wrong with each stands on it."""
        with self._changed:
            self._waiting += mine
        while self._turn_comes(lambda: all(waiting.done for waiting in mine)):
            self._commit_group()
        return mine

    def flush(self) -> None:
        """Store the events that no report took along."""
        if self._turn_comes(lambda: not self._events):
            self._commit_group()

    def _turn_comes(self, done: Callable[[], bool]) -> bool:
        """Wait until that is done, which gives False, or until nobody commits: then it is the caller's turn to.

        Those who are done go at once. Behind a lock they would stand in one line with those who come anew, and each of
        these would find hardly anybody to commit for.
        """
        with self._changed:
            self._changed.wait_for(lambda: done() or not self._committing)
            if done():
                return False
            self._committing = True
            return True

    def _commit_group(self) -> None:
        try:
            self._commit_gathered()
        finally:
            with self._changed:
                self._committing = False
                self._changed.notify_all()

    def _commit_gathered(self) -> None:
        if self._crowded:
            time.sleep(GATHER_SECONDS)
        with self._changed:
            group, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
            events, self._events = self._events, []
        self._crowded = len(group) > 1
        try:
            self._store(group, events)
        except Unavailable as error:
            for waiting in group:
                waiting.error = error
        except Exception as error:
            log.warning("a group of %d reports and %d events was not stored: %s", len(group), len(events), error)
            self._one_by_one(group)
        for waiting in group:
            waiting.done = True

    def _one_by_one(self, group: Sequence[Waiting]) -> None:
        """Store the reports of a failed group singly, so that a bad one harms only itself; its events are given up."""
        for waiting in group:
            try:
                self._store([waiting], [])
            except IntegrityError:
                self._store_as_failure(waiting)
            except Exception as error:
                waiting.error = error

    def _store_as_failure(self, waiting: Waiting) -> None:
        """Store a report whose object is the result of another file: a client would wait for one more for ever."""
        name = waiting.report.object_name
        why = Failure("ObjectNameTaken", f"The result of another file has the same name, {name}: do two files of the "
                                         "dataset share a replica?")
        waiting.report = replace(waiting.report, status="failure", object_name=None, object_size=None, failure=why)
        try:
            self._store([waiting], [])
        except Exception as error:
            waiting.error = error

    def _store(self, group: Sequence[Waiting], events: Sequence[FileEvent]) -> None:
        """Store reports and events in one transaction."""
        with self._transactions.write() as session:
            ended = store(session, group, events)
        if ended:
            self._wake()
