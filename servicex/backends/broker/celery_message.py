"""The messages that transformers and DID finders understand: Celery's protocol 2, in JSON, without a result."""
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from servicex.backends.broker.base import WorkMessage

TRANSFORM_TASK = "transformer_sidecar.transform_file"
CANCEL_EXCHANGE = "celery.pidbox"
ORIGIN = "servicex-app"
# As long as Celery makes them; workers only log them.
SHOWN_CHARACTERS = 1024
NOTHING_FOLLOWS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@dataclass(frozen=True)
class CeleryMessage:
    """A message as it is published: AMQP's basic properties by name (without the headers), its headers, its body."""

    properties: Mapping[str, Any]
    headers: Mapping[str, Any]
    body: bytes


def finder_queue(scheme: str) -> str:
    """The name of the queue that the DID finder of a scheme consumes, and of the exchange it is bound to."""
    return f"did_finder_{scheme}"


def transform_message(work: WorkMessage) -> CeleryMessage:
    """Asks a transformer for one file."""
    return _task(TRANSFORM_TASK, [], {
        "request_id": work.request_id,
        "file_id": work.file_id,
        "paths": list(work.paths),
        "service_endpoint": work.service_endpoint,
        "result_destination": work.result_destination,
        "result_format": work.result_format,
    })


def work_in(body: bytes) -> WorkMessage:
    """The work that a transformer is asked for. Raises ValueError for what is no such message."""
    try:
        _, asked, _ = json.loads(body)
        paths = tuple(asked["paths"])
        work = WorkMessage(asked["request_id"], asked["file_id"], paths, asked["service_endpoint"],
                           asked["result_destination"], asked["result_format"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"no message to a transformer: {type(error).__name__}: {error}") from None
    texts = (work.request_id, work.service_endpoint, work.result_destination, work.result_format, *paths)
    if not paths or type(work.file_id) is not int or not all(isinstance(text, str) and text for text in texts):
        raise ValueError("no message to a transformer: a field has a value that it cannot have")
    return work


def lookup_message(scheme: str, did: str, dataset_id: int, endpoint: str) -> CeleryMessage:
    """Asks a DID finder for the files of a dataset. `endpoint` ends in a slash: the finder appends the id to it."""
    return _task(f"{finder_queue(scheme)}.lookup_dataset", [did, dataset_id, endpoint], {})


def cancel_message(queue: str, expires: int) -> CeleryMessage:
    """Has every worker that hears it leave the queue, until so many seconds after the epoch."""
    command = {"method": "cancel_consumer", "arguments": {"queue": queue}, "destination": None, "pattern": None,
               "matcher": None}
    return CeleryMessage(_properties(), {"clock": 0, "expires": expires}, json.dumps(command).encode())


def _task(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> CeleryMessage:
    task_id = str(uuid.uuid4())
    properties = {**_properties(), "correlation_id": task_id, "reply_to": str(uuid.uuid4())}
    body = json.dumps([args, kwargs, NOTHING_FOLLOWS]).encode()
    return CeleryMessage(properties, _headers(name, task_id, repr(args), repr(kwargs)), body)


def _properties() -> dict[str, Any]:
    return {"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2, "priority": 0}


def _headers(name: str, task_id: str, args: str, kwargs: str) -> dict[str, Any]:
    return {"lang": "py", "task": name, "id": task_id, "root_id": task_id, "parent_id": None, "group": None,
            "group_index": None, "shadow": None, "eta": None, "expires": None, "retries": 0,
            "timelimit": [None, None], "argsrepr": args[:SHOWN_CHARACTERS], "kwargsrepr": kwargs[:SHOWN_CHARACTERS],
            "origin": ORIGIN, "ignore_result": None, "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {}}
