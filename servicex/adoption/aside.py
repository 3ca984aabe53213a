"""Where the earlier server's tables stay: in a schema of their own (PostgreSQL), in a copy of the file (SQLite).

Either way they are reached as the schema `servicex_old`, and nothing of them is lost. All is one transaction.
"""
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect
from sqlalchemy.exc import OperationalError

from servicex.adoption.old_database import TABLES, NotAdoptable

OLD = "servicex_old"
COPY = ".before-adoption"
# Changes when another connection has written.
VERSION = "PRAGMA main.data_version"
LOCK_SECONDS = 10


@contextmanager
def put_aside(engine: Engine) -> Iterator[Connection]:
    """Free the place of the old tables; commits what is done with the connection, or nothing if anything is raised.

    Raises NotAdoptable if another program is at work on the tables.
    """
    aside = _to_schema if engine.dialect.name == "postgresql" else _to_copy
    try:
        with aside(engine) as connection:
            yield connection
    except OperationalError as error:
        raise NotAdoptable(f"The database cannot be taken over now: {error.orig}. Is the earlier server still "
                           "running, or the disk full?") from error


def kept_at(engine: Engine) -> str:
    """Where the old tables are afterwards, in words."""
    return f"the schema {OLD}" if engine.dialect.name == "postgresql" else f"the file {copy_of(engine)}"


def copy_of(engine: Engine) -> Path:
    """The copy of an SQLite database, beside it."""
    return Path(f"{engine.url.database}{COPY}")


def _old_tables(connection: Connection) -> list[str]:
    return [name for name in (*TABLES, "alembic_version") if inspect(connection).has_table(name)]


@contextmanager
def _to_schema(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        if inspect(connection).has_schema(OLD):
            raise NotAdoptable(f"There is a schema {OLD} already. Rename or drop it first.")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        connection.exec_driver_sql(f"CREATE SCHEMA {OLD}")
        for table in _old_tables(connection):
            connection.exec_driver_sql(f"ALTER TABLE {table} SET SCHEMA {OLD}")
        if inspect(connection).has_type("transformstatus"):  # type: ignore[attr-defined]  # of PostgreSQL's inspector
            connection.exec_driver_sql(f"ALTER TYPE transformstatus SET SCHEMA {OLD}")
        yield connection


@contextmanager
def _to_copy(engine: Engine) -> Iterator[Connection]:
    alone = create_engine(engine.url, poolclass=NullPool)
    event.listen(alone, "connect", partial(_attach_copy, copy_of(engine)))
    event.listen(alone, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with alone.begin() as connection:
        if connection.exec_driver_sql(VERSION).scalar() != connection.info["version"]:
            raise NotAdoptable("The database was changed just now. Stop the earlier server first.")
        for table in _old_tables(connection):
            connection.exec_driver_sql(f"DROP TABLE main.{table}")
        yield connection
        _check_references(connection)


def _attach_copy(target: Path, raw: Any, record: Any) -> None:
    """Copy the database of a new connection. A copy cut short is made anew: the database has not changed by then."""
    raw.isolation_level = None  # so that the transaction begins when SQLAlchemy says so, not at the first change
    record.info["version"] = raw.execute(VERSION).fetchone()[0]
    part = Path(f"{target}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as copy:
        raw.backup(copy)
    part.rename(target)
    raw.execute(f"ATTACH ? AS {OLD}", (str(target),))


def _check_references(connection: Connection) -> None:
    """Refuse if rows refer to what is not there, against which SQLite does nothing unless it is asked to."""
    broken = connection.exec_driver_sql("PRAGMA main.foreign_key_check").first()
    if broken:
        raise NotAdoptable(f"Row {broken[1]} of {broken[0]} refers to a row of {broken[2]} that is not there. "
                           "Nothing was changed; mend or delete it first.")
