"""What all tables share: the declarative base, and how times and lists are stored."""
import json
from datetime import UTC, datetime
from typing import Any, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import CursorResult, DateTime, MetaData, Text, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

# Unnamed constraints cannot be dropped by a later migration, so every one gets a name. Those of the tables that
# existing deployments have are named as there.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def changed(session: Session, statement: Update) -> bool:
    """Run the UPDATE; whether it found a row to change. Of several who run it under a condition, one gets True."""
    return bool(cast(CursorResult[Any], session.execute(statement)).rowcount)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time in a column without a zone, as existing deployments have it.

    Raises ValueError for a time without a zone, so that no local time is ever stored by mistake.
    """

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class PathList(TypeDecorator[tuple[str, ...]]):
    """Replica paths as a JSON list in a text column: a path may hold a comma."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(list(value), ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))
