"""A search in a process of its own, from the server's side."""
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import servicex
from servicex.backends.did_finder.search import Search
from servicex.processes.environment import scrubbed

_COMMAND = (sys.executable, "-P", "-m", "servicex.backends.did_finder.search_program")
_HTTP = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")
_OPTIONS = {"cernopendata": _HTTP, "rucio": (*_HTTP, "RUCIO_", "SITE_NAME")}
# A search asks for names only: an answer that takes longer than this will not come.
_XROOTD_SECONDS = {"XRD_REQUESTTIMEOUT": "60", "XRD_STREAMTIMEOUT": "30"}


def is_installed(package: str) -> bool:
    """Whether a server's client is installed here; it is not loaded for that."""
    return importlib.util.find_spec(package) is not None


class SearchProcess:
    """One search going on. Made in one thread and read there; `kill` may be called from any."""

    def __init__(self, search: Search):
        self._process = subprocess.Popen(_COMMAND, env=_environment(search.scheme), cwd="/",
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self._rest = b""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asdict(search)).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:  # it died at once: reading finds that out
            pass

    def messages(self, tick: float, deadline: float) -> Iterator[list[list[Any]]]:
        """What it says, as it comes; an empty list when nothing came for `tick` seconds. Ends when the process does.

        Raises `TimeoutError` at `deadline`, in seconds of `time.monotonic()`.
        """
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            data = self._read(min(tick, left))
            if data == b"":
                return
            yield self._split(data or b"")

    def kill(self) -> None:
        """End it now, if it has not ended."""
        self._process.kill()

    def close(self) -> None:
        """Kill it and let its resources go."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # closing flushes, and nobody reads any more
                pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:  # stuck in a file system that does not answer: left to the system
            pass

    def _read(self, seconds: float) -> bytes | None:
        """What has been written; b"" at the end, None if nothing came in time."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poll = select.poll()  # select.select fails above 1024 open files
        poll.register(descriptor, select.POLLIN)
        return os.read(descriptor, 65536) if poll.poll(max(1, seconds * 1000)) else None

    def _split(self, data: bytes) -> list[list[Any]]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]


def _environment(scheme: str) -> dict[str, str]:
    here = str(Path(servicex.__file__).parents[1])
    return {**_XROOTD_SECONDS, **scrubbed(os.environ), **_for_http(scheme), "PYTHONPATH": here}


def _for_http(scheme: str) -> dict[str, str]:
    """What else a client of an HTTP server may need: proxies, certificates, and Rucio's own options."""
    prefixes = _OPTIONS.get(scheme, ())
    return {name: value for name, value in os.environ.items() if prefixes and name.upper().startswith(prefixes)}
