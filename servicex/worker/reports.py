"""Reports to the server, by the routes that transformers have."""
import logging
import queue
import threading
from collections.abc import Sequence
from typing import Any

import requests

from servicex.backends.launcher.base import Failure, FileEvent, FileReport
from servicex.errors import Unavailable

# The server waits a while itself before it answers that its database is away.
TIMEOUT = (5.0, 60.0)
MOST_EVENTS = 1000
# Of these the same report may do better later; other refusals say that nobody wants to hear of the file.
AGAIN_LATER = frozenset({408, 425, 429})
LONGEST_LOG = 16_384

log = logging.getLogger(__name__)


class HttpReports(threading.Thread):
    """The `ReportSink` of a worker: reports go by PUT and events by POST, on one connection each that is kept open.

    `node` is told with the beginning of each file. Events are sent by this thread; one that fails is lost.
    """

    def __init__(self, node: str = ""):
        super().__init__(name="events", daemon=True)
        self._node = node
        self._endpoint = ""
        self._reporting, self._telling = _session(), _session()
        self._events: queue.Queue[FileEvent] = queue.Queue(MOST_EVENTS)

    def address(self, endpoint: str) -> None:
        """Report there from now on. It opens the server's door: nobody else may hear of it."""
        self._endpoint = endpoint

    def event(self, event: FileEvent) -> None:
        """Have an event told; the last one of each file is told by its report."""
        if event.status not in ("start", "retry"):
            return
        try:
            self._events.put_nowait(event)
        except queue.Full:
            log.warning("too many events wait for the server; one is lost")

    def report_all(self, reports: Sequence[FileReport]) -> list[bool]:
        """Report files, one after the other: all of them are accounted for then. Raises `Unavailable`."""
        for report in reports:
            self._report(report)
        return [True] * len(reports)

    def run(self) -> None:
        """Tell events."""
        while True:
            event = self._events.get()
            try:
                url = f"{self._endpoint}/{event.file_id}/status"
                self._telling.post(url, json=self._told(event), timeout=TIMEOUT, allow_redirects=False)
            except requests.RequestException as error:
                log.warning("an event was not told: %s", type(error).__name__)

    def _told(self, event: FileEvent) -> dict[str, Any]:
        info = event.info or (f"on node {self._node}" if self._node else "")
        return {"timestamp": event.at.isoformat(), "status-code": event.status, "pod-name": event.host, "info": info}

    def _report(self, report: FileReport) -> None:
        try:
            answer = self._reporting.put(f"{self._endpoint}/file-complete", json=as_json(report), timeout=TIMEOUT,
                                         allow_redirects=False)
        except requests.RequestException as error:
            raise Unavailable(f"The server does not answer: {type(error).__name__}.") from None
        status = answer.status_code
        if 200 <= status < 300:
            return
        if not 400 <= status < 500 or status in AGAIN_LATER:
            raise Unavailable(f"The server answers {status}.")
        log.warning("the server does not want to hear of file %s: %s", report.file_id, status)


def as_json(report: FileReport) -> dict[str, Any]:
    """A report with the fields that sidecars send, and with what only our own workers know."""
    size = report.object_size
    rate = report.total_events / report.total_time if report.total_time else 0.0
    told = {
        "requestId": report.request_id, "file-id": report.file_id, "file-path": report.path, "status": report.status,
        "total-time": report.total_time, "total-events": report.total_events, "total-bytes": size or 0,
        "avg-rate": rate, "place": {"host_name": report.host, "site": "unknown"}, "attempts": report.attempts}
    if report.object_name is not None:
        told |= {"s3-object-name": report.object_name, "object-size": size}
    return told | ({"error": _error(report.failure)} if report.failure else {})


def _error(failure: Failure) -> dict[str, str]:
    return {"class": failure.error_class, "message": failure.message, "trace": failure.trace,
            "log": failure.log[-LONGEST_LOG:]}


def _session() -> requests.Session:
    session = requests.Session()
    # The server is near; a proxy for the world, or somebody's .netrc, is not meant for it.
    session.trust_env = False
    return session
