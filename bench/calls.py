"""HTTP calls that cost their caller as little as they can, so that what is measured is the server."""
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

# As the transformers' sidecars do: a connection that fails is tried again, what was answered never is.
ATTEMPTS = 20
PAUSE = 0.5
PATIENCE = 120.0
ACCEPTED = 200


class Calls:
    """Calls over one connection that is kept as long as the server keeps it. For one thread."""

    def __init__(self) -> None:
        self._place: tuple[str, int] | None = None
        self._socket: socket.socket | None = None

    def call(self, method: str, url: str, body: Any = None) -> int:
        """The status of the answer. Raises OSError if there was none in all attempts."""
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        place = parts.hostname, parts.port
        request = _request(method, parts.netloc, parts.path or "/", body)
        for attempt in range(ATTEMPTS):
            try:
                return self._exchange(place, request)
            except OSError:
                self.close()
                if attempt:     # a connection that was kept may have been closed meanwhile
                    time.sleep(PAUSE)
        raise OSError(f"no answer from {parts.netloc} in {ATTEMPTS} attempts")

    def close(self) -> None:
        """Give up the connection; the next call makes another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _exchange(self, place: tuple[str, int], request: bytes) -> int:
        if self._socket is None or self._place != place:
            self.close()
            self._socket, self._place = socket.create_connection(place, PATIENCE), place
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        head, body = self._received().split(b"\r\n\r\n", 1)
        left = _length(head) - len(body)
        while left > 0:
            left -= len(self._some())
        if b"connection: close" in head.lower():
            self.close()
        return int(head[9:12])

    def _received(self) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._some()
        return got

    def _some(self) -> bytes:
        assert self._socket is not None
        got = self._socket.recv(65536)
        if not got:
            raise ConnectionError("the server closed the connection")
        return got


def _request(method: str, host: str, path: str, body: Any) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    return (f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n").encode() + content


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0
