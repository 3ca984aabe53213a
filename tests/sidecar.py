"""A transformer with the manners of the existing sidecars, whatever it does with a file.

BROKER_URL, S3_ADDRESS, S3_ACCESS_KEY and S3_SECRET_KEY are in the environment. As the sidecars do, it acknowledges a
message after its report, and never repeats a report that was answered, with whatever status.
"""
import io
import json
import os
import time
from abc import ABC, abstractmethod
from typing import Any

import pika
import requests
from minio import Minio
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

RETRY_SECONDS = 0.5
REPORT_ATTEMPTS = 3
REPORT_PAUSE = 2.0
STORE_ATTEMPTS = 60


class Sidecar(ABC):
    """Works on the files of one transform, one at a time."""

    def __init__(self, request_id: str):
        self.request_id = request_id
        self._queue = f"transformer-{request_id}"
        self._store = Minio(os.environ["S3_ADDRESS"], os.environ["S3_ACCESS_KEY"], os.environ["S3_SECRET_KEY"],
                            secure=False)

    @abstractmethod
    def take(self, work: dict[str, Any]) -> None:
        """Do what a message asks for, report included."""

    def after(self, work: dict[str, Any]) -> None:
        """What is done once the message is acknowledged: nothing."""

    def serve(self) -> None:
        """Work until the queue is deleted, whatever becomes of the broker meanwhile."""
        while True:
            try:
                return self._consume()
            except (AMQPError, OSError):
                time.sleep(RETRY_SECONDS)

    def put(self, name: str, content: bytes) -> None:
        """Store an object."""
        for _ in range(STORE_ATTEMPTS):
            try:
                self._store.put_object(self.request_id, name, io.BytesIO(content), len(content))
                return
            except Exception:
                time.sleep(RETRY_SECONDS)

    def report(self, work: dict[str, Any], path: str, status: str = "success", events: int = 10) -> None:
        """Say how a file went."""
        report = {"requestId": self.request_id, "file-path": path, "file-id": work["file_id"], "status": status,
                  "total-time": 1.5, "total-events": events, "total-bytes": 99, "avg-rate": 6.7,
                  "place": {"host_name": "here", "site": "unknown"}}
        for _ in range(REPORT_ATTEMPTS):
            try:
                requests.put(work["service_endpoint"] + "/file-complete", json=report, timeout=(0.5, 60))
                return
            except requests.ConnectionError:
                time.sleep(REPORT_PAUSE)

    def _consume(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(os.environ["BROKER_URL"])) as connection:
            channel = connection.channel()
            channel.queue_declare(self._queue, durable=False, auto_delete=True)
            channel.basic_qos(prefetch_count=1)
            channel.basic_consume(self._queue, self._take)
            channel.start_consuming()

    def _take(self, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        _, work, _ = json.loads(body)
        self.take(work)
        channel.basic_ack(method.delivery_tag)
        self.after(work)


def object_name(path: str, result_format: str) -> str:
    """What a sidecar calls the result of a replica; for paths that are not too long."""
    return path.replace("/", ":") + (".parquet" if result_format == "parquet" else "")
