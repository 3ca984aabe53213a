"""What holds for the rows of all tables."""
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table

from servicex.adoption.old_database import Row


def carried(row: Row, table: Table, but: Collection[str] = ()) -> dict[str, Any]:
    """The columns that both have; times, which were stored without a zone, in UTC."""
    return {name: in_utc(value) for name, value in row.items() if name in table.c and name not in but}


def in_utc(value: Any) -> Any:
    """A time as one in UTC, anything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
