"""The tables of an earlier server, as they are read."""
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, FromClause, MetaData, RowMapping, Select, Table, func, inspect, select

from servicex.errors import ServiceXError
from servicex.migration import known, revision

TABLES = ("users", "datasets", "files", "transform_result", "requests", "file_status")
# Between the two releases in use lie three revisions that have nothing that those have not.
RELEASE_2022, RELEASE_2024 = "79d404108ebe", "v1_3_0"
ADOPTABLE = (RELEASE_2022, "208309600a27", "v1_1_3", "v1_1_4", RELEASE_2024)
ROWS_READ = 1000

Row = RowMapping


class NotAdoptable(ServiceXError):
    """Raised when a database is not one of an earlier server, or cannot be taken over as it stands."""


class OldDatabase:
    """The tables of an earlier server, wherever they stand.

    Files belong to a dataset since 2024, and before that to a transform. For such databases the number of a transform
    is taken for that of its dataset.
    """

    def __init__(self, connection: Connection, schema: str | None = None):
        self._connection = connection
        here = set(inspect(connection).get_table_names(schema))
        metadata = MetaData()
        metadata.reflect(connection, schema, only=[name for name in TABLES if name in here], resolve_fks=False)
        self.tables: dict[str, Table] = {table.name: table for table in metadata.tables.values()}

    @property
    def has_datasets(self) -> bool:
        """Whether there is a table of datasets."""
        return "datasets" in self.tables

    def rows(self, query: Select[Any], at_once: int = ROWS_READ) -> Iterator[Row]:
        """What a query gives, read a few rows at a time."""
        yield from self._connection.execute(query, execution_options={"yield_per": at_once}).mappings()

    def count(self, name: str) -> int:
        """How many rows a table has; 0 if it is not there."""
        if name not in self.tables:
            return 0
        return self._connection.scalar(select(func.count()).select_from(self.tables[name])) or 0

    def files(self) -> FromClause:
        """The files, each with the number of its dataset as `owner`."""
        files, requests = self.tables["files"], self.tables["requests"]
        if self.has_datasets:
            return select(files, files.c.dataset_id.label("owner")).subquery()
        return select(files, requests.c.id.label("owner")).join_from(
            files, requests, requests.c.request_id == files.c.request_id).subquery()


def recognise(connection: Connection) -> str | None:
    """The revision of an earlier server's database; None if it is one of ours. Raises NotAdoptable."""
    found = revision(connection) or _revision_by_shape(connection)
    if known(found):
        return None
    if found not in ADOPTABLE:
        raise NotAdoptable(f"The database is at revision {found}. Only those of the releases of 2022 ({RELEASE_2022}) "
                           f"to 2024 ({RELEASE_2024}) can be taken over: bring it there with its own server first.")
    return found


def _revision_by_shape(connection: Connection) -> str:
    """The revision of a database that tells none: the release of 2022 made its tables in SQLite without."""
    tables = set(inspect(connection).get_table_names())
    if {"requests", "users", "files", "transform_result"} <= tables:
        return RELEASE_2024 if "datasets" in tables else RELEASE_2022
    raise NotAdoptable("The database has no tables of an earlier server. For a new one: servicex-app db upgrade")
