"""Where transactions begin and end: the only place that commits."""
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from servicex.errors import Unavailable

log = logging.getLogger(__name__)
PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
           "journal_size_limit=67108864")
WRITING = "servicex_writing"
# From this many bytes on SQLite's log is emptied; readers that overlap would let it grow for ever.
LOG_LIMIT = 64 * 2 ** 20
# How long writers wait for that at most, in milliseconds.
LOG_PATIENCE = 1000
# What SQLite says, and what PostgreSQL does.
DISK_FULL = ("disk is full", "No space left on device")


class Transactions:
    """Reading and writing transactions on one database. May be used from any thread."""

    def __init__(self, engine: Engine):
        self._reading = engine
        self._writing = engine.execution_options(**{WRITING: True})
        self._turn: AbstractContextManager[Any] = nullcontext()
        if engine.dialect.name == "sqlite":
            prepare_sqlite(engine)
            # SQLite has one writer at a time, and lets the others ask again and again, in no order, until they give
            # up. Waiting here instead is fair.
            self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session to read with; nothing it does is kept.

        Like `write` it raises Unavailable when the database is away, full, or too busy for too long.
        """
        with _unavailable(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are committed at the end, or none of them if anything is raised."""
        with _unavailable(), self._turn, Session(self._writing, expire_on_commit=False) as session:
            yield session
            session.commit()

    def ping(self) -> None:
        """Return if the database answers; raises Unavailable."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def trim_log(self) -> None:
        """Empty SQLite's write-ahead log if it has grown large, unless a reader holds on to it; then it stays for now.

        SQLite itself begins it anew only at a moment when nobody reads. For other databases nothing is done.
        """
        if self._reading.dialect.name != "sqlite" or _log_size(self._reading) <= LOG_LIMIT:
            return
        with closing(self._reading.raw_connection()) as connection:
            try:
                connection.cursor().execute(f"PRAGMA busy_timeout={LOG_PATIENCE}")
                # Most of the work, while others write; then the rest, while none does.
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
                with self._turn:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                log.warning("the database's log could not be emptied: %s", error)
            finally:
                connection.cursor().execute(f"PRAGMA {PRAGMAS[0]}")


def _log_size(engine: Engine) -> int:
    """The bytes of SQLite's write-ahead log."""
    try:
        return os.path.getsize(f"{engine.url.database}-wal")
    except OSError:
        return 0


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        log.error("all connections to the database are taken: %s", error)
        raise Unavailable("The server is too busy just now; please try again in a moment.") from error
    except OperationalError as error:
        log.error("the database failed: %s", error.orig)
        raise Unavailable(_why(error)) from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Unavailable("The connection to the database was lost; please try again in a moment.") from error


def _why(error: OperationalError) -> str:
    if any(words in str(error.orig) for words in DISK_FULL):
        return "The disk that holds the database is full. When there is room again, please try once more."
    return "The database does not answer just now; please try again in a moment."


def prepare_sqlite(engine: Engine) -> None:
    """Make SQLite fit for several threads and a power cut: WAL, full syncs, foreign keys, early write locks.

    A transaction that reads first and writes later fails at once with "database is locked" if another one wrote
    meanwhile, whatever the time-out; so a writing one takes the lock when it begins.
    """
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
