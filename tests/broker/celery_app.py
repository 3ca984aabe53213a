"""A Celery worker that declares its queues as the transformers' sidecar and the DID finders do.

    celery -A tests.broker.celery_app:APP worker

APP is `transformer` or `finder`. What a task was called with is appended to the file CALLS, a line of JSON each.
"""
import json
import os
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

URL = os.environ["BROKER_URL"]
WORK_QUEUE = os.environ["WORK_QUEUE"]

transformer = Celery("transformer_sidecar", broker=URL)
transformer.conf.update(
    task_acks_late=True, worker_prefetch_multiplier=1, task_create_missing_queues=False,
    task_queues=[Queue(WORK_QUEUE, exchange=Exchange(""), routing_key=WORK_QUEUE, durable=False, auto_delete=True)])
finder = Celery("did_finder_test", broker=URL)


def _note(*what: Any) -> None:
    with Path(os.environ["CALLS"]).open("a") as calls:
        calls.write(json.dumps(what) + "\n")


@transformer.task(name="transformer_sidecar.transform_file")
def transform_file(request_id: str, file_id: int, paths: list[str], service_endpoint: str, result_destination: str,
                   result_format: str) -> None:
    _note(request_id, file_id, paths, service_endpoint, result_destination, result_format)


@finder.task(name="did_finder_test.lookup_dataset")
def lookup_dataset(did: str, dataset_id: int, endpoint: str) -> None:
    _note(did, dataset_id, endpoint)
