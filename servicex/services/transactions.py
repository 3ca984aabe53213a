"""Where transactions begin and end: the only place that commits."""
import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from servicex.errors import Unavailable

log = logging.getLogger(__name__)
PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
           "journal_size_limit=67108864")
WRITING = "servicex_writing"
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
