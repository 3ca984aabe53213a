from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.databases import House, migrated


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated database, on each engine."""
    url = f"sqlite:///{tmp_path}/test.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with migrated(url) as migrated_engine:
        yield migrated_engine


@pytest.fixture
def house(engine: Engine) -> House:
    """The services on that database."""
    return House(engine)
