"""One server for all that is hostile, on SQLite, or on the empty database that FUZZED_DATABASE is the URL of."""
import os
from collections.abc import Iterator

import pytest

from tests.conftest import require
from tests.fuzzing.fuzzed_server import FuzzedServer
from tests.running_server import is_built


@pytest.fixture(scope="session")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedServer]:
    """That server; it is still up at the end, and nothing went wrong in it."""
    require(is_built(), "the command servicex-app is not installed")
    with FuzzedServer(tmp_path_factory.mktemp("fuzzed"), os.environ.get("FUZZED_DATABASE", "")) as server:
        yield server
        assert "incident" not in server.log(), server.log()[-5000:]
