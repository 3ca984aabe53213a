"""A transformer with the manners of the existing sidecars, without the science: it stores an object and reports.

    python -m tests.faults.transformer REQUEST_ID SECONDS

BROKER_URL, S3_ADDRESS, S3_ACCESS_KEY and S3_SECRET_KEY are in the environment; SECONDS is how long a file takes. As the
sidecars do, it acknowledges a message after its report, and never repeats a report that was answered, with whatever
status. Beyond that it is a nuisance: it reports some files twice, or once more from another replica, a while later.
"""
import io
import json
import os
import random
import sys
import time
from typing import Any

import pika
import requests
from minio import Minio
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

TWICE = 0.1
FROM_ANOTHER_REPLICA = 0.05
LATE_SECONDS = 0.5
RETRY_SECONDS = 0.5
REPORT_ATTEMPTS = 3
REPORT_PAUSE = 2.0
STORE_ATTEMPTS = 60


class Transformer:
    """Works on the files of one transform, one at a time."""

    def __init__(self, request_id: str, seconds: float):
        self._request_id = request_id
        self._queue = f"transformer-{request_id}"
        self._seconds = seconds
        self._store = Minio(os.environ["S3_ADDRESS"], os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"],
                            secure=False)

    def run(self) -> None:
        """Work until killed, whatever becomes of the broker."""
        while True:
            try:
                self._consume()
            except (AMQPError, OSError):
                time.sleep(RETRY_SECONDS)

    def _consume(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(os.environ["BROKER_URL"])) as connection:
            channel = connection.channel()
            channel.queue_declare(self._queue, durable=False, auto_delete=True)
            channel.basic_qos(prefetch_count=1)
            channel.basic_consume(self._queue, self._take)
            channel.start_consuming()

    def _take(self, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        _, work, _ = json.loads(body)
        time.sleep(self._seconds)
        self._transform(work, work["paths"][0])
        channel.basic_ack(method.delivery_tag)
        if random.random() < TWICE:
            self._report(work, work["paths"][0])
        if random.random() < FROM_ANOTHER_REPLICA:
            time.sleep(LATE_SECONDS)
            self._transform(work, work["paths"][1])

    def _transform(self, work: dict[str, Any], path: str) -> None:
        content = f"file {work['file_id']}".encode()
        for _ in range(STORE_ATTEMPTS):
            try:
                self._store.put_object(self._request_id, path.replace("/", ":") + ".parquet", io.BytesIO(content),
                                       len(content))
                break
            except Exception:
                time.sleep(RETRY_SECONDS)
        self._report(work, path)

    def _report(self, work: dict[str, Any], path: str) -> None:
        report = {"requestId": self._request_id, "file-path": path, "file-id": work["file_id"], "status": "success",
                  "total-time": 1.5, "total-events": 10, "total-bytes": 99, "avg-rate": 6.7,
                  "place": {"host_name": "here", "site": "unknown"}}
        for _ in range(REPORT_ATTEMPTS):
            try:
                requests.put(work["service_endpoint"] + "/file-complete", json=report, timeout=(0.5, 60))
                return
            except requests.ConnectionError:
                time.sleep(REPORT_PAUSE)


if __name__ == "__main__":
    Transformer(sys.argv[1], float(sys.argv[2])).run()
