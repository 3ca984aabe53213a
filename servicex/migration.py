"""Bring a database to the newest revision: waited for, under a lock, once however many servers start together."""
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, func, inspect, select
from sqlalchemy.exc import OperationalError

from servicex.data_directory import locked_file
from servicex.database import lock_of, migrate, migrations_folder
from servicex.errors import ServiceXError, Unavailable
from servicex.models import db

# Any number does, as long as all servers ask for the same; not that of `held`, which a running server keeps.
MIGRATION_LOCK = 20_260_002
CONNECT_SECONDS = 5
POLL_SECONDS = 0.2
TAKE_OVER = "If an earlier server made it, stop that server and take the database over with: servicex-app db adopt"


class UnknownRevision(ServiceXError):
    """Raised when a database is not at a revision of this server."""


def engine_for(uri: str) -> Engine:
    """An engine for a command that does one thing and ends."""
    app = _app(uri)
    with app.app_context():
        url = db.engine.url  # where Flask-SQLAlchemy takes it to be: a relative path is one below `instance`
    timeout = {"connect_timeout": CONNECT_SECONDS} if url.get_backend_name() == "postgresql" else {}
    return create_engine(url, poolclass=NullPool, connect_args=timeout)


def _app(uri: str | URL) -> Flask:
    """An app with a database and nothing else."""
    app = Flask("servicex")
    app.config["SQLALCHEMY_DATABASE_URI"] = uri
    db.init_app(app)
    migrate.init_app(app, db, directory=migrations_folder())
    return app


def wait_for(engine: Engine, seconds: float) -> None:
    """Return when the database answers. Raises Unavailable if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _ask(engine)
        except OperationalError as error:
            if time.monotonic() >= deadline:
                raise Unavailable(f"The database did not answer within {seconds:.0f} s: {error.orig}") from error
        time.sleep(POLL_SECONDS)


def _ask(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.scalar(select(1))


def upgrade(engine: Engine, seconds: float) -> tuple[str | None, str]:
    """Bring the database to the newest revision; gives the one it had (None: it was empty) and the one it has.

    Waits at most so many seconds for another server that is about it. Raises UnknownRevision, Unavailable.
    """
    with migrating(engine, seconds):
        return upgrade_alone(engine)


def upgrade_alone(engine: Engine) -> tuple[str | None, str]:
    """As `upgrade`, for who has seen to it that nobody else is about it."""
    with engine.begin() as connection:
        before = revision(connection)
        newest = _newest(before, connection)
        if before != newest:
            bring_to_newest(connection)
        return before, newest


def _newest(before: str | None, connection: Connection) -> str:
    """The newest revision. Raises UnknownRevision for a database that is not ours to migrate."""
    if before is None and inspect(connection).has_table("requests"):
        raise UnknownRevision(f"The database has tables but no revision. {TAKE_OVER}")
    if before is not None and not known(before):
        raise UnknownRevision(f"The database is at revision {before}, which this version does not know. {TAKE_OVER}")
    newest = _scripts().get_current_head()
    assert newest is not None, "there is always a migration"
    return newest


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(migrations_folder())


def revision(connection: Connection) -> str | None:
    """The revision that the database says it has."""
    return MigrationContext.configure(connection).get_current_revision()


def known(name: str | None) -> bool:
    """Whether a revision is one of ours."""
    return name in {script.revision for script in _scripts().walk_revisions()}


def bring_to_newest(connection: Connection) -> None:
    """Run the migrations on a connection, in the transaction it is in; the caller commits."""
    app = _app(connection.engine.url)
    with app.app_context():
        config: Config = app.extensions["migrate"].migrate.get_config(migrations_folder())
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def migrating(engine: Engine, seconds: float) -> Iterator[None]:
    """Keep others from migrating the database.

    Raises Unavailable (PostgreSQL) or DataDirectoryInUse (SQLite) if they do so for more than so many seconds.
    """
    if engine.dialect.name != "postgresql":
        with locked_file(lock_of(engine), seconds):
            yield
        return
    # Of its own transaction each: an open one that does nothing is ended by careful databases, and the lock with it.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _lock(connection, seconds)
        yield


def _lock(connection: Connection, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not connection.scalar(select(func.pg_try_advisory_lock(MIGRATION_LOCK))):
        if time.monotonic() >= deadline:
            raise Unavailable(f"Another server has been migrating the database for more than {seconds:.0f} s.")
        time.sleep(POLL_SECONDS)
