"""A server with Slack and Mailgun around it, on each database."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notices.world import World, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """On SQLite."""
    with world(tmp_path / "site") as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """On each engine."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with world(tmp_path / "site", database) as made:
        yield made
