"""The messages have the form that the transformers and finders in use were seen to take."""
import json
import uuid

import pytest

from servicex.backends.broker.base import WorkMessage
from servicex.backends.broker.celery_message import (CeleryMessage, cancel_message, lookup_message, transform_message,
                                                     work_in)

WORK = WorkMessage("5f2b", 7, ("root://a//f.root", "http://b/f.root"), "http://servicex/report/5f2b", "object-store",
                   "parquet")
HEADERS = {
    "lang", "task", "id", "root_id", "parent_id", "group", "group_index", "shadow", "eta", "expires", "retries",
    "timelimit", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
    "stamps"}


def check_envelope(message: CeleryMessage) -> None:
    task_id = str(uuid.UUID(message.properties["correlation_id"]))
    assert uuid.UUID(message.properties["reply_to"])
    assert {name: message.properties[name] for name in ("content_type", "content_encoding", "delivery_mode", "priority")
            } == {"content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2, "priority": 0}
    assert set(message.headers) == HEADERS
    assert message.headers["id"] == message.headers["root_id"] == task_id
    assert message.headers["timelimit"] == [None, None] and message.headers["retries"] == 0
    assert json.loads(message.body)[2] == {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def test_transform() -> None:
    message = transform_message(WORK)
    check_envelope(message)
    assert message.headers["task"] == "transformer_sidecar.transform_file"
    args, kwargs, _ = json.loads(message.body)
    assert args == []
    assert kwargs == {
        "request_id": "5f2b", "file_id": 7, "paths": ["root://a//f.root", "http://b/f.root"],
        "service_endpoint": "http://servicex/report/5f2b", "result_destination": "object-store",
        "result_format": "parquet"}


def test_lookup() -> None:
    message = lookup_message("xrootd", "root://a//*.root?files=2", 42, "http://servicex/report/")
    check_envelope(message)
    assert message.headers["task"] == "did_finder_xrootd.lookup_dataset"
    assert json.loads(message.body)[:2] == [["root://a//*.root?files=2", 42, "http://servicex/report/"], {}]


def test_each_message_has_an_id_of_its_own() -> None:
    assert transform_message(WORK).headers["id"] != transform_message(WORK).headers["id"]


def test_what_workers_log_is_bounded() -> None:
    long = WorkMessage("5f2b", 7, ("/" + "a" * 100_000,), "http://servicex", "object-store", "parquet")
    assert len(transform_message(long).headers["kwargsrepr"]) == 1024


def test_names_of_all_the_world_survive() -> None:
    message = lookup_message("xrootd", "root://a//größe \u2028\"'*.root", 1, "http://servicex/")
    assert json.loads(message.body)[0][0] == "root://a//größe \u2028\"'*.root"


def test_cancellation() -> None:
    message = cancel_message("transformer-5f2b", 1_000_000_000)
    assert message.headers == {"clock": 0, "expires": 1_000_000_000}
    assert json.loads(message.body) == {
        "method": "cancel_consumer", "arguments": {"queue": "transformer-5f2b"}, "destination": None, "pattern": None,
        "matcher": None}


def test_work_is_read_back_from_its_message() -> None:
    assert work_in(transform_message(WORK).body) == WORK


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe", json.dumps([[], None, {}]).encode(),
    *(json.dumps([[], {**json.loads(transform_message(WORK).body)[1], **change}, {}]).encode() for change in (
        {"paths": []}, {"paths": [1]}, {"paths": None}, {"paths": "/a"[:0]}, {"file_id": "7"}, {"file_id": True},
        {"request_id": None}, {"service_endpoint": ""}))])
def test_what_is_no_work_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no message to a transformer"):
        work_in(body)
