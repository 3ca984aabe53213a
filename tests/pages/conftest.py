"""Pages on databases of three sizes, on each engine."""
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import Engine, event

from servicex.models import db
from tests.accounts.browsers import Browser, identity
from tests.accounts.people import ADMIN_EMAIL, Site
from tests.databases import migrated
from tests.pages.bulk import Bulk, Size, fill

# Pages have 50 ms; a machine that does other things beside may take three times as long.
SERVER_SECONDS = 3 * 0.050
RUNS = 5


class Pages:
    """A server on a filled database, with a browser of `bob`'s and one of the administrator's."""

    def __init__(self, folder: Path, bulk: Bulk):
        self.bulk = bulk
        self.site = Site(folder, SQLALCHEMY_DATABASE_URI=bulk.url)
        self.bob, self.ada = Browser(self.site, identity("bob")), Browser(self.site, identity("ada", ADMIN_EMAIL))

    @property
    def engine(self) -> Engine:
        """The engine that the server uses."""
        with self.site.app.app_context():
            return db.engine

    def statements(self, act: Callable[[], object]) -> int:
        """How many SQL statements it takes; those that begin transactions are not counted."""
        with counted(self.engine) as count:
            act()
        return len(count)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def seconds(act: Callable[[], object]) -> float:
    """How long it takes: the median of several runs, after one to warm up."""
    act()
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return median(times)


@pytest.fixture
def many_pages(tmp_path: Path, many: Bulk) -> Iterator[Pages]:
    """A server with very many transforms, on each engine: only to be looked at."""
    pages = Pages(tmp_path, many)
    yield pages
    pages.site.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/pages.sqlite"
    found: str = request.getfixturevalue("postgres_url")
    return found


def filled(url: str, size: Size) -> Bulk:
    """Bring the database to the newest revision and fill it."""
    with migrated(url) as engine:
        return fill(engine, size)


@pytest.fixture
def few_pages(tmp_path: Path, url: str) -> Iterator[Pages]:
    """A server with 50 transforms that may be changed."""
    pages = Pages(tmp_path / "site", filled(url, Size.FEW))
    yield pages
    pages.site.close()


@pytest.fixture
def no_pages(tmp_path: Path, url: str) -> Iterator[Pages]:
    """A server without transforms."""
    pages = Pages(tmp_path / "site", filled(url, Size.NONE))
    yield pages
    pages.site.close()
