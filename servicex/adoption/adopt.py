"""The adoption: all tables in turn, in one transaction, or nothing."""
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from servicex.adoption.aside import OLD, put_aside
from servicex.adoption.datasets import Sums, datasets, files
from servicex.adoption.notes import Notes
from servicex.adoption.old_database import OldDatabase, recognise
from servicex.adoption.results import Results, events
from servicex.adoption.transforms import ROWS_READ, Transforms
from servicex.adoption.users import api_tokens, users
from servicex.migration import bring_to_newest, migrating
from servicex.models import Base
from servicex.models.base import now

ROWS_WRITTEN = 1000
WAIT_SECONDS = 10.0

Rows = Iterable[dict[str, Any]]
Say = Callable[[str], None]


def adopt(engine: Engine, say: Say) -> Notes | None:
    """Take the database over; None if that was done before. `say` is told of each table when it is done.

    Raises NotAdoptable, and Unavailable if another process is about it.
    """
    with migrating(engine, WAIT_SECONDS):
        if _revision(engine) is None:
            return None
        with put_aside(engine) as connection:
            bring_to_newest(connection)
            notes = _convert(OldDatabase(connection, OLD), say, lambda table, rows: _insert(connection, table, rows))
            _number_on(connection)
        return notes


def would_adopt(engine: Engine, say: Say) -> Notes | None:
    """What `adopt` would do. It only reads, and may be used beside the earlier server."""
    if _revision(engine) is None:
        return None
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _convert(OldDatabase(connection), say, lambda table, rows: sum(1 for _ in rows))


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return recognise(connection)


def _convert(old: OldDatabase, say: Say, write: Callable[[Table, Rows], int]) -> Notes:
    notes = Notes()
    for name, rows in _tables(old, notes):
        notes.found[name] = old.count(name)
        notes.kept[name] = write(Base.metadata.tables[name], rows)
        say(notes.table(name))
    return notes


def _tables(old: OldDatabase, notes: Notes) -> Iterator[tuple[str, Rows]]:
    """The tables in an order in which each refers to earlier ones only, with their rows."""
    sums, results = Sums(old), Results(old, notes)
    transforms = Transforms(old, sums, results, notes, now())
    yield "users", users(old, notes)
    yield "api_tokens", api_tokens(old)
    yield "datasets", datasets(old, sums, notes)
    yield "files", files(old, notes)
    yield "transform_result", results.rows()
    yield "requests", transforms.rows()
    yield "transform_control", transforms.control_rows()
    yield "file_status", events(old)


def _insert(connection: Connection, table: Table, rows: Rows) -> int:
    """Write rows; gives how many there were."""
    count, rest = 0, iter(rows)
    while chunk := list(islice(rest, ROWS_READ if table.name == "requests" else ROWS_WRITTEN)):
        connection.execute(insert(table), chunk)
        count += len(chunk)
    return count


def _number_on(connection: Connection) -> None:
    """Have PostgreSQL number new rows after those that were brought along. SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        if "id" in table.c:
            next_id = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(
                text(f"pg_get_serial_sequence('{table.name}', 'id')::regclass"), next_id, False)))
