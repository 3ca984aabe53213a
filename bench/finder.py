"""A stand-in for a DID finder: takes the questions of its scheme and sends files, one by one or in bulks."""
import json
import time
from typing import Any

import pika

from bench.calls import ACCEPTED, Calls

SCHEME = "bench"
QUEUE = f"did_finder_{SCHEME}"
QUESTION_SECONDS = 30.0


def asked_for(broker_url: str) -> str:
    """The URL at which the finder reports on the next dataset it is asked for."""
    with pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        for method, _, body in channel.consume(QUEUE, inactivity_timeout=QUESTION_SECONDS):
            assert method is not None, f"nobody asked the finder within {QUESTION_SECONDS:.0f} s"
            channel.basic_ack(method.delivery_tag)
            (_, dataset_id, endpoint), _, _ = json.loads(body)
            return f"{endpoint}{dataset_id}"
    raise AssertionError("the queue of questions was lost")


def send_files(url: str, files: int, bulk: int) -> float:
    """Send so many files, `bulk` at a time, and the end of the look-up; gives the seconds until the last was taken."""
    calls, begun = Calls(), time.perf_counter()
    for first in range(0, files, bulk):
        some = [_file(url, number) for number in range(first, min(first + bulk, files))]
        assert calls.call("PUT", f"{url}/files", some[0] if bulk == 1 else some) == ACCEPTED
    taken = time.perf_counter() - begun
    assert calls.call("PUT", f"{url}/complete", {"files": files, "files-skipped": 0, "total-events": 0,
                                                 "total-bytes": 0, "elapsed-time": 0}) == ACCEPTED
    return taken


def _file(url: str, number: int) -> dict[str, Any]:
    name = f"//store/data/{url.rsplit('/', 1)[1]}/file_{number:07}.root"
    return {"timestamp": "2026-01-01T00:00:00.000000", "adler32": "0f3a5c7e", "file_size": 2 ** 30,
            "file_events": 10_000, "paths": [f"root://cache.example.org{name}", f"root://disk.example.org{name}"]}
