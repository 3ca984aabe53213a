"""Times are kept in UTC, whatever zone the database takes for its own."""
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine, NullPool, create_engine, select, text
from sqlalchemy.exc import StatementError

from servicex.models import User
from servicex.models.base import Base, UtcDateTime
from servicex.services.transactions import Transactions

AT = datetime(2026, 7, 1, 23, 30, 0, 123_456, tzinfo=UTC)
USERS = Base.metadata.tables["users"]


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """A PostgreSQL that takes itself to be in New York, four hours behind UTC in summer."""
    name = postgres_url.rpartition("/")[2]
    engine = create_engine(postgres_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET timezone = 'America/New_York'"))
    USERS.create(engine)
    yield engine


@pytest.mark.parametrize("given", [AT, AT.astimezone(timezone(timedelta(hours=9)))])
def test_a_time_is_stored_in_utc_and_read_as_such(engine: Engine, given: datetime) -> None:
    transactions = Transactions(engine)
    with transactions.write() as session:
        session.add(User(email="ada@example.org", name="Ada", sub="1", created_at=given))
    with transactions.read() as session:
        assert session.scalar(text("SHOW timezone")) == "America/New_York"
        assert session.scalar(text("SELECT created_at::text FROM users")) == "2026-07-01 23:30:00.123456"
        read = session.scalars(select(User.created_at)).one()
        assert read == AT and read is not None and read.utcoffset() == timedelta(0)
        assert session.scalars(select(User.id).where(User.created_at == given)).all() == [1]
        assert session.scalars(select(User.id).where(User.created_at < given)).all() == []


def test_a_time_of_now_is_that_of_utc(engine: Engine) -> None:
    transactions = Transactions(engine)
    with transactions.write() as session:
        session.add(User(email="ada@example.org", name="Ada", sub="1"))
    with transactions.read() as session:
        read = session.scalars(select(User.updated_at)).one()
    assert read is not None and abs(datetime.now(UTC) - read) < timedelta(minutes=10)


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="without a zone"), Transactions(engine).write() as session:
        session.add(User(email="ada@example.org", name="Ada", sub="1", created_at=AT.replace(tzinfo=None)))


def test_every_time_of_the_models_is_such_a_time() -> None:
    times = [column for table in Base.metadata.tables.values() for column in table.c
             if "TIME" in str(column.type.compile()).upper()]
    assert len(times) > 10
    assert all(isinstance(column.type, UtcDateTime) for column in times)
