"""A real XRootD server for tests: Debian's `xrootd`, serving a directory of its own on a port of its own."""
import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_START_SECONDS = 15
_CONFIGURATION = """
all.export /
oss.localroot {export}
all.adminpath {admin}
all.pidpath {admin}
xrd.network nodnr
"""


@dataclass(frozen=True)
class XrootdServer:
    """A running server. `files`: the directory it serves; `url` + "/" + a path in it names a file, as `root://h:1//a`.

    As root it runs as `daemon`, so what it is to serve must be readable by all.
    """

    url: str
    files: Path
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def running_xrootd(files: Path | None = None) -> Iterator[XrootdServer]:
    """A server of `files`, or of a new empty directory; skips the test where there is no `xrootd`."""
    program = shutil.which("xrootd")
    if program is None:
        pytest.skip("there is no xrootd here: install Debian's xrootd-server")
    # Not pytest's own directory: that is closed to `daemon`.
    with tempfile.TemporaryDirectory(prefix="xrootd-", ignore_cleanup_errors=True) as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "files").mkdir()
        port = _free_port()
        process = _start(program, place, files or place / "files", port)
        try:
            _wait(process, port, place / "log")
            yield XrootdServer(f"root://localhost:{port}/", files or place / "files", process)
        finally:
            process.kill()
            process.wait(10)


@pytest.fixture(scope="session")
def xrootd_server() -> Iterator[XrootdServer]:
    """One server for all tests of a run, serving an empty directory into which they put theirs."""
    with running_xrootd() as server:
        yield server


def _start(program: str, place: Path, files: Path, port: int) -> "subprocess.Popen[bytes]":
    for name in ("admin", "run"):
        (place / name).mkdir()
        (place / name).chmod(0o777)
    configuration = place / "xrootd.cfg"
    configuration.write_text(_CONFIGURATION.format(export=files, admin=place / "admin"))
    user = ["-R", "daemon"] if os.geteuid() == 0 else []
    with (place / "log").open("wb") as log:
        return subprocess.Popen([program, *user, "-p", str(port), "-c", str(configuration)], cwd=place / "run",
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _free_port() -> int:
    """A port that nobody listens on, below those that systems give to outgoing connections."""
    while True:
        port = random.randrange(20000, 32768)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"xrootd did not start: {log.read_text(errors='replace')[-2000:]}")
