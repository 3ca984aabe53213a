"""Lists of very many files, and as many results: work in proportion to their number, and memory that is not."""
import time
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert

from servicex.api.records import detail_record
from servicex.api.schemas import Message
from servicex.api.streams import answer_with_list
from servicex.backends.did_finder.paths import check_file_list
from servicex.models import TransformRequest, TransformResult
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from servicex.services.accounting import TICK
from tests.databases import House

LONG_LIST = 220_000
MANY_RESULTS = 100_000
MIB = 2 ** 20


def submit_and_list(house: House, count: int) -> None:
    """Submit a list, and the same one from its end, and read its files."""
    house.datasets._replicas = partial(check_file_list, allowed_paths=[Path("/data")])
    files = [f"root://eospublic.cern.ch//eos/opendata/a_rather_long_name_of_a_file_{n:06}.root" for n in range(count)]
    begun = time.monotonic()
    transform = house.submit(files=files)
    first = time.monotonic() - begun
    again = house.submit(files=files[::-1])
    print(f"{count} files submitted in {first:.1f} s, again in {time.monotonic() - begun - first:.1f} s")
    assert again.did_id == transform.did_id and again.files == transform.files == count
    assert sum(1 for _ in house.datasets.get(SINGLE_USER, transform.did_id)[1]) == count


def test_long_list(house: House) -> None:
    submit_and_list(house, 5_001)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_very_long_list(house: House) -> None:
    submit_and_list(house, LONG_LIST)


@pytest.fixture
def many(house: House) -> TransformRequest:
    """A transform with very many results."""
    transform = house.submit(files=[f"/{number}" for number in range(MANY_RESULTS)])
    begun = now()
    with house.transactions.write() as session:
        session.execute(insert(TransformResult), [
            {"did": transform.did, "request_id": transform.request_id, "file_id": file_id, "file_path": "/a" * 50,
             "transform_status": "success", "created_at": begun + number * TICK, "s3_object_name": f"o{number}",
             "attempts": 1} for number, file_id in enumerate(house.file_ids(transform))])
    return transform


@pytest.mark.long
@pytest.mark.timeout(600)
def test_answer_with_very_many_results_takes_little_memory(house: House, many: TransformRequest) -> None:
    results = house.transforms.results(SINGLE_USER, many.request_id)
    with Flask("servicex").test_request_context():
        answer = answer_with_list(Message(message="these"), "details", results, detail_record)
        tracemalloc.start()
        size = sum(len(piece) for piece in answer.iter_encoded())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    print(f"{size / MIB:.0f} MiB sent with {peak / MIB:.1f} MiB at the most")
    assert size > 20 * MIB and peak < 10 * MIB
