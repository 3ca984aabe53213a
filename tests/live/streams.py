"""Many streams read by one thread, as many browsers would."""
import json
import re
import selectors
import socket
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

SECONDS = 30.0
DATA = re.compile(rb"^data: (.*)$", re.MULTILINE)


class Streams:
    """So many open streams of one path. Leaving it closes them."""

    def __init__(self, address: str, path: str, count: int, headers: str = ""):
        host = urlsplit(address)
        self._to = (host.hostname or "", host.port or 80)
        self._asked = f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\n{headers}\r\n".encode()
        self._selector = selectors.DefaultSelector()
        self.sockets = [self._open() for _ in range(count)]
        self.answers = {one: b"" for one in self.sockets}
        self.ended: set[socket.socket] = set()

    def _open(self) -> socket.socket:
        one = socket.create_connection(self._to, SECONDS)
        one.sendall(self._asked)
        one.setblocking(False)
        self._selector.register(one, selectors.EVENT_READ)
        return one

    def read(self, seconds: float) -> None:
        """Take what has come, or what comes within some seconds."""
        for key, _ in self._selector.select(seconds):
            one = key.fileobj
            assert isinstance(one, socket.socket)
            try:
                data = one.recv(65536)
            except OSError:
                data = b""
            self.answers[one] += data
            if not data:
                self.ended.add(one)
                self._selector.unregister(one)

    def wait_for(self, text: bytes, seconds: float = SECONDS) -> float:
        """Return when all have told that; gives the seconds it took."""
        return self._wait(lambda answer, _: text in answer, seconds)

    def wait_for_ends(self, seconds: float = SECONDS) -> float:
        """Return when the server has closed all; gives the seconds it took."""
        return self._wait(lambda _, one: one in self.ended, seconds)

    def statuses(self) -> Counter[str]:
        """How many were answered with which status."""
        return Counter(answer.split(b" ", 2)[1].decode() for answer in self.answers.values())

    def states(self, number: int = 0) -> list[dict[str, Any]]:
        """The states that one of them was told."""
        return [json.loads(data) for data in DATA.findall(self.answers[self.sockets[number]])]

    def close(self) -> None:
        """Go away without a word."""
        for one in self.sockets:
            one.close()
        self._selector.close()

    def _wait(self, fulfilled: Any, seconds: float) -> float:
        begun = time.monotonic()
        while not all(fulfilled(answer, one) for one, answer in self.answers.items()):
            missing = sum(not fulfilled(answer, one) for one, answer in self.answers.items())
            assert time.monotonic() < begun + seconds, (missing, Counter(self.answers.values()).most_common(2))
            if self._selector.get_map():
                self.read(0.2)
        return time.monotonic() - begun

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
