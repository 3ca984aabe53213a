"""Database migrations: where they are; and how a database is kept for one embedded server alone."""
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask_migrate import Migrate
from sqlalchemy import Engine, func, select

from servicex.data_directory import DataDirectoryInUse, locked_file

migrate = Migrate(render_as_batch=True, compare_type=True)


def migrations_folder() -> str:
    """Where the database migrations are: beside the package, or, when it was installed, in a package of their own."""
    beside = Path(__file__).parent.parent / "migrations"
    if (beside / "env.py").exists():
        return str(beside)
    import servicex_migrations  # exists only where it was installed
    return str(Path(servicex_migrations.__file__).parent)


# Any number does, as long as all servers ask for the same.
ADVISORY_LOCK = 20_260_001


@contextmanager
def held(engine: Engine) -> Iterator[None]:
    """Keep the database for this server: two embedded ones would each take the other for dead, and do its work again.

    Raises DataDirectoryInUse if another has it.
    """
    if engine.dialect.name != "postgresql":
        with locked_file(lock_of(engine)):
            yield
        return
    # Of its own transaction each: an open one that does nothing is ended by careful databases, and the lock with it.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(select(func.pg_try_advisory_lock(ADVISORY_LOCK))):
            raise DataDirectoryInUse("Another server uses this database.")
        yield


def lock_of(engine: Engine) -> Path:
    """The file that is locked for an SQLite database."""
    return Path(f"{engine.url.database}.lock")
