"""One server with short deadlines, and the files that are fed to it."""
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import uproot

from tests.conftest import require
from tests.hostile.asking import Service
from tests.running_server import RunningServer, is_built

CANARY = "a-secret-that-no-program-may-see"
# Long enough for honest work on a busy machine: printing 100 MB takes a second or two of a free core.
FILE_SECONDS = 8
MEMORY = 500 * 2 ** 20
ENVIRONMENT = {"SECRET_KEY": CANARY, "SOME_PASSWORD": CANARY, "FILE_SECONDS": str(FILE_SECONDS), "MAX_ATTEMPTS": "2",
               "WORKER_MEMORY_BYTES": str(MEMORY)}
ROWS = 10


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The server that all this is done to, and that must be well at the end."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("hostile")
    files = folder / "files"
    files.mkdir()
    with RunningServer(folder / "data", [files], workers=4, environment=ENVIRONMENT) as server:
        yield Service(server)
        assert "Traceback" not in server.log()


@pytest.fixture(scope="session")
def good(service: Service) -> Path:
    """A small file with nothing wrong."""
    return write_file(service.server.files / "good.root")


def write_file(path: Path, rows: int = ROWS) -> Path:
    """Write a ROOT file with a tree `mini` and its branch `pt`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w+b") as raw, uproot.recreate(raw) as file:
        file.mktree("mini", {"pt": "float64"})
        file["mini"].extend({"pt": np.arange(float(rows))})
    return path
