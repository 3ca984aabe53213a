"""A database of each engine with the services on it, and somebody who watches."""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from servicex.services.live import LiveStates
from tests.databases import House, migrated
from tests.private_postgres import PrivatePostgres


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A migrated database of each engine, shared by the tests of a module."""
    if request.param == "sqlite":
        with migrated(f"sqlite:///{tmp_path_factory.mktemp('live')}/test.sqlite") as found:
            yield found
        return
    postgres: PrivatePostgres = request.getfixturevalue("postgres")
    with postgres.database() as url, migrated(url) as found:
        yield found


@pytest.fixture(scope="module")
def house(engine: Engine) -> House:
    """The services on that database."""
    return House(engine)


@pytest.fixture
def live(house: House) -> Iterator[LiveStates]:
    """Reads ten times a second, for at most ten who watch, and looks at rights every time."""
    states = LiveStates(house.transactions, most=10, seconds=0.1, rights_seconds=0.0)
    yield states
    states.close()


@contextmanager
def statements(of: Engine) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)
    event.listen(of, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(of, "before_cursor_execute", note)
