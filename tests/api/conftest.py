from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import uproot

from tests.api.callers import Callers
from tests.databases import House, migrated
from tests.running_server import RunningServer

SELECTION = ("(call Select (call EventDataset 'bogus.root' 'mini') "
             "(lambda (list e) (dict (list 'pt') (list (subscript e 'pt')))))")
Ask = Callable[..., requests.Response]


@pytest.fixture(scope="session")
def root_files(server: RunningServer) -> list[str]:
    """Three small files with a tree `mini`."""
    paths = [server.files / f"api_{n}.root" for n in range(3)]
    for path in paths:
        with uproot.recreate(path) as file:
            file.mktree("mini", {"pt": "float64"})
            file["mini"].extend({"pt": np.arange(10.0)})
    return [str(path) for path in paths]


@pytest.fixture
def ask(server: RunningServer) -> Ask:
    """Send a request to the running server: `ask("get", "/servicex")`."""
    def send(method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, server.address + path, timeout=60, **more)
    return send


@pytest.fixture
def body(root_files: list[str]) -> dict[str, Any]:
    """A submission that is right, for tests to spoil."""
    return {"title": "t", "file-list": root_files, "selection": SELECTION, "codegen": "uproot",
            "result-destination": "object-store", "result-format": "root-file"}


@pytest.fixture
def not_there(server: RunningServer) -> Path:
    """A path below the allowed folder where nothing is."""
    return server.files / "not_there.root"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The services on a database of each engine, shared by the tests of a module."""
    if request.param == "sqlite":
        with migrated(f"sqlite:///{tmp_path_factory.mktemp('shared')}/test.sqlite") as engine:
            yield House(engine)
        return
    with request.getfixturevalue("postgres").database() as url, migrated(url) as engine:
        yield House(engine)


@pytest.fixture
def callers(shared_house: House) -> Callers:
    """Finders and transformers that call back to the routes of a server with these services."""
    return Callers(shared_house)
