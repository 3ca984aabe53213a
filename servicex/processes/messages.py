"""Messages between the server and a child: four bytes of length, then that much JSON.

Never pickle: whoever unpickles what a hostile child sent runs its code.
"""
import json
import socket
import struct
from typing import Any

from servicex.processes.errors import BadMessage

Message = dict[str, Any]

MAX_MESSAGE = 64 * 1024 * 1024
_LENGTH = struct.Struct("!I")
_CHUNK = 256 * 1024


def encode(message: Message) -> bytes:
    """The bytes of a message. Raises `BadMessage` if it is too long."""
    body = json.dumps(message).encode()
    if len(body) > MAX_MESSAGE:
        raise BadMessage(f"a message of {len(body)} bytes is above the limit of {MAX_MESSAGE}")
    return _LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message in these bytes. Raises `BadMessage` whatever is wrong with them."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage("not JSON") from error
    if not isinstance(message, dict):
        raise BadMessage("not a JSON object")
    return message


class Inbox:
    """Puts messages together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._bytes += data

    def take(self) -> Message | None:
        """The next whole message, None if there is none yet. Raises `BadMessage`."""
        if len(self._bytes) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._bytes)
        if length > MAX_MESSAGE:
            raise BadMessage(f"a message of {length} bytes is above the limit of {MAX_MESSAGE}")
        end = _LENGTH.size + length
        if len(self._bytes) < end:
            return None
        body = bytes(self._bytes[_LENGTH.size:end])
        del self._bytes[:end]
        return decode(body)


class Connection:
    """The child's end: what the function that a child runs is called with."""

    def __init__(self, sock: socket.socket):
        self._socket = sock
        self._inbox = Inbox()

    def send(self, message: Message) -> None:
        """Send a message to the server."""
        self._socket.settimeout(None)
        self._socket.sendall(encode(message))

    def receive(self, timeout: float | None = None) -> Message:
        """The next message, waiting up to `timeout` seconds. Raises `TimeoutError`, or `EOFError` at the end."""
        self._socket.settimeout(timeout)
        while (message := self._inbox.take()) is None:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise EOFError("the server closed the connection")
            self._inbox.feed(data)
        return message
