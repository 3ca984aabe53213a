"""A server with accounts, in this process, and people of every kind."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts.people import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The server with nobody but its administrator."""
    made = Site(tmp_path)
    yield made
    made.close()
