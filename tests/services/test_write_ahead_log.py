"""SQLite's write-ahead log is emptied when it has grown, though somebody always reads."""
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select

from servicex.models import Dataset, LookupStatus
from servicex.services import transactions
from tests.databases import House, found, migrated

LIMIT = 2 ** 20


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A migrated SQLite whose log may not grow large."""
    monkeypatch.setattr(transactions, "LOG_LIMIT", LIMIT)
    monkeypatch.setattr(transactions, "LOG_PATIENCE", 5000)
    with migrated(f"sqlite:///{tmp_path}/test.sqlite") as migrated_engine:
        yield migrated_engine


def log_of(engine: Engine) -> Path:
    return Path(f"{engine.url.database}-wal")


def write_much(house: House) -> None:
    """Write several MB, in one transaction."""
    with house.transactions.write() as session:
        session.execute(insert(Dataset), [{
            "name": f"{number}-{'x' * 1000}", "did_finder": "test", "lookup_status": LookupStatus.COMPLETE}
            for number in range(2000)])


@contextmanager
def readers(house: House, count: int, seconds: float) -> Iterator[None]:
    """Threads that read one after the other, each for a while, out of step: one is always at it."""
    done = threading.Event()

    def read_on(delay: float) -> None:
        time.sleep(delay)
        while not done.is_set():
            with house.transactions.read() as session:
                session.scalar(select(Dataset.id).limit(1))
                time.sleep(seconds)
    threads = [threading.Thread(target=read_on, args=(number * seconds / count,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_large_log_is_emptied_though_somebody_always_reads(house: House, engine: Engine) -> None:
    with readers(house, count=3, seconds=0.1):
        time.sleep(0.3)
        write_much(house)
        assert log_of(engine).stat().st_size > LIMIT
        house.control.trim_log()
        assert log_of(engine).stat().st_size == 0
    with house.transactions.read() as session:
        assert len(session.scalars(select(Dataset.id)).all()) == 2000


def test_reader_that_holds_on_to_the_log_is_not_waited_for(
        house: House, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "LOG_PATIENCE", 100)
    with house.transactions.read() as session:
        session.scalar(select(Dataset.id).limit(1))
        write_much(house)
        begun = time.monotonic()
        house.control.trim_log()
        assert time.monotonic() - begun < 10
        assert log_of(engine).stat().st_size > LIMIT
        assert session.scalar(select(Dataset.id).limit(1)) is None, "it sees what was there when it began"
    house.control.trim_log()
    assert log_of(engine).stat().st_size == 0


def test_small_log_is_left_alone(house: House, engine: Engine) -> None:
    house.submit(files=[file.paths[0] for file in found("a")])
    before = log_of(engine).stat().st_size
    house.control.trim_log()
    assert before == log_of(engine).stat().st_size > 0
