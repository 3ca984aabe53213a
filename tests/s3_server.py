"""A real S3 store, nanio, in a process of its own: it checks signatures."""
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from servicex.backends.object_store.base import Credentials
from servicex.backends.object_store.s3 import S3ObjectStore
from servicex.backends.object_store.s3_client import S3Endpoint
from tests.running_server import free_port

SECONDS_TO_START = 60.0


class S3Server:
    """nanio on a free port of the loopback address; a context manager.

    `keys` are made for it, and so are `reader_keys`, of an account for a site to share; nanio knows no rights.
    `stop` and `start` it as often as wanted: port, keys and data stay the same.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.keys, self.reader_keys = (Credentials(secrets.token_hex(10).upper(), secrets.token_urlsafe(30))
                                       for _ in range(2))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it takes connections."""
        options = self.folder.with_suffix(".toml")
        options.write_text("".join(
            f'[[users]]\naccess_key = "{keys.access_key}"\nsecret_key = "{keys.secret_key}"\n'
            for keys in (self.keys, self.reader_keys)))
        with self.folder.with_suffix(".log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nanio", "serve", "--data-dir", str(self.folder), "--host", "127.0.0.1",
                 "--port", str(self.port), "--no-access-log", "--options", str(options)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS_TO_START
        while not takes_connections(self.port):
            assert self._process.poll() is None and time.monotonic() < deadline, "nanio does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Have it take connections and never answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def store(self, secret: bytes, **options: Any) -> S3ObjectStore:
        """Our store on it."""
        endpoint = S3Endpoint(self.address, False, self.keys.access_key, self.keys.secret_key)
        return S3ObjectStore(endpoint, secret, **options)

    def __enter__(self) -> "S3Server":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def takes_connections(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
