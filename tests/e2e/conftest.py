"""The real client against a real server, and the files it asks for."""
import shutil
from pathlib import Path

import pytest

from tests.did_finder.xrootd_server import XrootdServer, xrootd_server  # noqa: F401
from tests.e2e.real_client import RealClient
from tests.running_server import RunningServer

NANO = ("nano_dimuon.root", "nano_dy.root")


@pytest.fixture
def client(client_bin: Path, server: RunningServer, tmp_path: Path) -> RealClient:
    """The client with an empty cache, configured for the server."""
    return RealClient(client_bin, tmp_path / "client", server.address)


@pytest.fixture(scope="session")
def nano_files(samples: Path) -> list[Path]:
    """Two CMS NanoAOD files of 40 events each; some events have two muons or more."""
    return [samples / name for name in NANO]


@pytest.fixture(scope="session")
def nano_folder(server: RunningServer, nano_files: list[Path]) -> Path:
    """A folder with nothing but the two NanoAOD files, which the server may read."""
    folder = server.files / "nano"
    folder.mkdir()
    for file in nano_files:
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def nano_url(xrootd_server: XrootdServer, nano_files: list[Path]) -> str:  # noqa: F811
    """The folder of a real XRootD server that holds the two NanoAOD files, as a `root://` URL."""
    folder = xrootd_server.files / "nano"
    folder.mkdir()
    for file in nano_files:
        shutil.copy(file, folder)
    return f"{xrootd_server.url}/nano"


@pytest.fixture(scope="session")
def broken_files(server: RunningServer, nano_files: list[Path]) -> dict[str, Path]:
    """Files that cannot be read, by what ails them."""
    folder = server.files / "broken"
    folder.mkdir()
    files = {ailment: folder / f"{ailment}.root" for ailment in ("missing", "empty", "not_root", "truncated")}
    files["empty"].write_bytes(b"")
    files["not_root"].write_text("This is no ROOT file.\n" * 100)
    files["truncated"].write_bytes(nano_files[0].read_bytes()[:100_000])
    return files


@pytest.fixture(scope="session")
def odd_files(server: RunningServer, nano_files: list[Path]) -> list[Path]:
    """Files whose names are lawful but seldom, and two of the same base name."""
    names = ("with space.root", "with, comma.root", "with:colon.root", "100%25 é ü.root", "one/same.root",
             "two/same.root")
    files = [server.files / "odd" / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(nano_files[0], file)
    return files
