"""The unmodified client on a server with accounts."""
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.e2e.contents import COLUMNS, delivered_rows, raw_rows
from tests.e2e.real_client import RealClient
from tests.running_server import COMMAND, RunningServer, is_built


class Guarded(RunningServer):
    """An embedded server with accounts."""

    def __init__(self, folder: Path):
        self.settings = {"ENABLE_AUTH": "true", "DATA_DIRECTORY": str(folder / "data")}
        super().__init__(folder / "data", [folder / "files"], environment=self.settings)

    def command(self, *words: str) -> str:
        """What `servicex-app` prints."""
        return subprocess.run([str(COMMAND), *words], env={**os.environ, **self.settings}, check=True, timeout=60,
                              capture_output=True, text=True).stdout.strip()


@pytest.fixture
def guarded(tmp_path: Path, samples: Path) -> Iterator[Guarded]:
    """That server, which may read one NanoAOD file."""
    require(is_built(), "the command servicex-app is not installed")
    (tmp_path / "files").mkdir()
    shutil.copy(samples / "nano_dimuon.root", tmp_path / "files")
    with Guarded(tmp_path) as server:
        yield server


def test_client_with_a_token_gets_its_columns_and_others_nothing(guarded: Guarded, client_bin: Path,
                                                                 tmp_path: Path) -> None:
    guarded.command("user", "create", "bob", "bob@example.org", "Bob", "CERN", "--approved")
    token = guarded.command("user", "token", "bob")
    source = guarded.files / "nano_dimuon.root"
    sample = [{"name": "mine", "query": "raw", "files": [str(source)]}]
    mine = RealClient(client_bin, tmp_path / "bob", guarded.address, token)
    (item,) = mine.deliver(sample)["mine"]["items"]
    assert delivered_rows(item, COLUMNS["raw"], tmp_path) == raw_rows(source)
    assert "mine" in mine.command("transforms", "list").stdout
    for number, other in enumerate(("", token[:-3] + "abc")):
        stranger = RealClient(client_bin, tmp_path / f"stranger{number}", guarded.address, other)
        delivery = stranger.begin(sample)
        with pytest.raises(AssertionError, match="401|422|Not authorized|Authorization"):
            answer = delivery.wait()["LocalCache"]["mine"]
            assert "error" not in answer, answer["error"]
