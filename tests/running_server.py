"""A real embedded server in a process of its own, for tests that want the whole of it."""
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import requests

COMMAND = Path(sys.executable).parent / "servicex-app"
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 20.0


def is_built() -> bool:
    """Whether our command is installed beside this Python."""
    return COMMAND.is_file()


class RunningServer:
    """`servicex-app up` on a free port of the loopback address.

    Use it as a context manager, or `start`, `stop` (as Ctrl-C does) and `kill` (`kill -9`) it as often as wanted: port
    and data stay the same. `files` is the first allowed folder; with `unsaid` the server is started in it and not told.
    `environment` is added to this process's own.
    """

    def __init__(self, data: Path, allowed: Sequence[Path], workers: int = 2, port: int | None = None,
                 options: Sequence[str] = (), environment: Mapping[str, str] | None = None,
                 unsaid: bool = False):
        self.data = data
        self.files = allowed[0]
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log_file = data.with_suffix(".log")
        self._allowed = [] if unsaid else allowed
        self._folder = self.files if unsaid else None
        self._workers = workers
        self._options = options
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers. Raises `AssertionError` with the end of its log if it does not."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             env=self._environment, cwd=self._folder)
        try:
            self._wait_until_it_answers()
        except AssertionError:
            self.kill()
            raise

    def stop(self) -> int:
        """End it in an orderly way; gives its exit status. Raises `TimeoutExpired` if it does not end."""
        assert self._process is not None, "the server was not started"
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(SECONDS_TO_STOP)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._process is not None, "the server was not started"
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def log(self) -> str:
        """All that the server has printed so far."""
        return self.log_file.read_text(errors="replace")

    def __enter__(self) -> "RunningServer":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    def _command(self) -> list[str]:
        command = [str(COMMAND), "up", "--host", "127.0.0.1", "--port", str(self.port), "--data", str(self.data),
                   "--workers", str(self._workers)]
        for folder in self._allowed:
            command += ["--allow-path", str(folder)]
        return command + list(self._options)

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"the server ended at once:\n{self.log()[-3000:]}"
            if answers(self.address):
                return
            time.sleep(0.1)
        raise AssertionError(f"the server did not answer within {SECONDS_TO_START:.0f} s:\n{self.log()[-3000:]}")


def answers(address: str) -> bool:
    """Whether a server answers there."""
    try:
        return requests.get(f"{address}/servicex", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def free_port() -> int:
    """A port nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
