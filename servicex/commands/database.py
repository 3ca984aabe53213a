"""`servicex-app db`: wait for the database, migrate it, take over one of an earlier server."""
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from servicex.adoption.adopt import adopt as adopt_database
from servicex.adoption.adopt import would_adopt
from servicex.adoption.aside import kept_at
from servicex.commands.plain_errors import plain_errors
from servicex.errors import Unavailable
from servicex.migration import engine_for, upgrade as migrate_database, wait_for
from servicex.settings import load

seconds_option = click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(0, 3600),
                              help="How long to wait at the most.")


@click.group("db")
def database() -> None:
    """Wait for the database that SQLALCHEMY_DATABASE_URI names, migrate it, take over an earlier server's."""


@database.command()
@seconds_option
def wait(seconds: float) -> None:
    """Wait until the database answers."""
    with _engine() as engine:
        wait_for(engine, seconds)


@database.command()
@seconds_option
def upgrade(seconds: float) -> None:
    """Bring the database to the newest revision. Of several that do so at once, one does and the others wait."""
    with _engine() as engine:
        before, newest = migrate_database(engine, seconds)
    click.echo(f"The database is at {newest}." if before == newest else f"Migrated: {before or 'empty'} -> {newest}")


@database.command()
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done. The earlier server may run.")
def adopt(dry_run: bool) -> None:
    """Take over the database of an earlier server (2022 to 2024), with all that is in it. Stop that server first.

    If it is interrupted nothing has happened. The old tables are kept: in the schema servicex_old, or, of SQLite, in a
    copy of the file.
    """
    with _engine() as engine:
        notes = (would_adopt if dry_run else adopt_database)(engine, click.echo)
        if notes is None:
            return click.echo("The database has been taken over already.")
        for line in notes.lines():
            click.echo(f"  {line}")
        click.echo("Nothing was changed." if dry_run else f"Taken over. The old tables are in {kept_at(engine)}.")


@contextmanager
def _engine() -> Iterator[Engine]:
    with plain_errors():
        try:
            yield engine_for(load().database_uri)
        except SQLAlchemyError as error:
            raise Unavailable(f"The database failed: {getattr(error, 'orig', error)}") from error
