"""Reporters stand where transformers do: they take the files of a transform from its queue and report each at once.

They store nothing, so the server is all that is measured. Like sidecars they make their queue when it is gone, and
acknowledge a message after its report.
"""
import json
import multiprocessing
import queue
import threading
import time
from collections import Counter, deque
from types import TracebackType
from typing import Any

import pika
from pika.exceptions import AMQPError

from bench.calls import ACCEPTED, Calls

PREFETCH = 200
RETRY_SECONDS = 0.5
STOP_SECONDS = 60.0


class Reporters:
    """Some processes with some threads each, at work from the beginning of the context to its end.

    Then `latencies` has the seconds of each report, and `statuses` how often each HTTP status was answered.
    """

    def __init__(self, broker_url: str, request_id: str, processes: int, threads: int):
        context = multiprocessing.get_context("spawn")
        self._stop = context.Event()
        self._told: Any = context.Queue()
        self._processes = [context.Process(target=_run, args=(broker_url, request_id, threads, self._stop, self._told))
                           for _ in range(processes)]
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()

    def __enter__(self) -> "Reporters":
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stop.set()
        for _ in self._processes:
            latencies, statuses = self._told.get(timeout=STOP_SECONDS)
            self.latencies += latencies
            self.statuses += statuses
        for process in self._processes:
            process.join(STOP_SECONDS)


def _run(broker_url: str, request_id: str, threads: int, stop: Any, told: Any) -> None:
    work = _Work(broker_url, f"transformer-{request_id}", stop)
    reporting = [threading.Thread(target=work.report, daemon=True) for _ in range(threads)]
    for thread in reporting:
        thread.start()
    work.consume()
    told.put((work.latencies, work.statuses))


class _Work:
    """What the threads of one process share: messages to report, and those to acknowledge."""

    def __init__(self, broker_url: str, queue_name: str, stop: Any):
        self._broker_url = broker_url
        self._queue = queue_name
        self._stop = stop
        self._messages: queue.SimpleQueue[tuple[int, int, bytes]] = queue.SimpleQueue()
        self._reported: deque[tuple[int, int]] = deque()
        self._connections = 0
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()

    def consume(self) -> None:
        """Take messages until told to stop, whatever becomes of the queue."""
        while not self._stop.is_set():
            try:
                self._consume()
            except (AMQPError, OSError):
                time.sleep(RETRY_SECONDS)

    def _consume(self) -> None:
        self._connections += 1
        mine = self._connections
        with pika.BlockingConnection(pika.URLParameters(self._broker_url)) as connection:
            channel = connection.channel()
            channel.queue_declare(self._queue, durable=False, auto_delete=True)
            channel.basic_qos(prefetch_count=PREFETCH)
            channel.basic_consume(self._queue, lambda _, method, __, body: self._messages.put(
                (mine, method.delivery_tag, body)))
            while channel.consumer_tags and not self._stop.is_set():
                connection.process_data_events(0.02)
                self._acknowledge(channel, mine)

    def _acknowledge(self, channel: Any, mine: int) -> None:
        while self._reported:
            connection, tag = self._reported.popleft()
            if connection == mine:
                channel.basic_ack(tag)

    def report(self) -> None:
        """Report what comes, one after the other."""
        calls = Calls()
        while True:
            connection, tag, body = self._messages.get()
            _, work, _ = json.loads(body)
            begun = time.perf_counter()
            status = calls.call("PUT", work["service_endpoint"] + "/file-complete", _report(work))
            self.latencies.append(time.perf_counter() - begun)
            self.statuses[status] += 1
            if status != ACCEPTED:
                print(f"a report was answered {status}", flush=True)
            self._reported.append((connection, tag))


def _report(work: dict[str, Any]) -> dict[str, Any]:
    """What a sidecar says of a file that went well."""
    return {"requestId": work["request_id"], "file-path": work["paths"][0], "file-id": work["file_id"],
            "status": "success", "total-time": 1.5, "total-events": 10_000, "total-bytes": 99, "avg-rate": 6666.7,
            "place": {"host_name": "bench", "site": "loopback"}}
