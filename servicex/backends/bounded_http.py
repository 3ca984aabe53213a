"""HTTP calls that end: one deadline for the whole of a call, however slowly bytes come, and a bound on the answer.

Libraries that pool connections have a timeout for each read only, which a server that sends a byte now and then never
meets, and no place to look at the address that a name stands for before it is spoken to.
"""
import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import SplitResult, urlsplit, urlunsplit

CONNECT_SECONDS = 5.0
READ_AT_ONCE = 64 * 1024
PORTS = {"http": 80, "https": 443}
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class CallFailed(Exception):
    """Raised when a call brought no answer; the message says why."""


class NotConnected(CallFailed):
    """Raised when the server could not be reached, so that it cannot have seen anything of the call."""


class TimedOut(CallFailed):
    """Raised when the deadline passed."""


class AnswerTooLarge(CallFailed):
    """Raised when the answer has more bytes than were wanted."""


class AddressRefused(CallFailed):
    """Raised when the host is at an address that the caller does not want to talk to."""


@dataclass(frozen=True)
class Answer:
    """What a server said. `headers` ignore case."""

    status: int
    headers: Message
    body: bytes


def call(method: str, url: str, deadline: float, *, headers: Mapping[str, str] | None = None, body: bytes | None = None,
         limit: int = 64 * 1024, may_reach: Callable[[IPAddress], bool] = lambda address: True) -> Answer:
    """Make one HTTP call, straight to the host and following no redirect.

    `deadline` is a time of the monotonic clock, `limit` the largest body taken, in bytes. `may_reach` is asked of every
    address of the host before a connection is made to that very address. Raises CallFailed or one of its kind.
    """
    parts, host, port = _destination(url)
    try:
        with _connected(host, port, parts.scheme == "https", deadline, may_reach) as connection:
            talk = http.client.HTTPConnection(host, port)
            talk.sock = _TimedSocket(connection, deadline)  # it has all that is used
            talk.request(method, urlunsplit(("", "", parts.path or "/", parts.query, "")), body,
                         {"Host": parts.netloc.rpartition("@")[2], "Connection": "close", **(headers or {})})
            return _answer(talk.getresponse(), limit)
    except TimeoutError as error:
        raise TimedOut(f"{host} did not answer in time") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CallFailed(f"the talk with {host} broke off: {_words(error)}") from error


def _destination(url: str) -> tuple[SplitResult, str, int]:
    """A URL in parts, its host and its port. Raises CallFailed if it is none that can be called."""
    try:
        parts = urlsplit(url)
        return parts, parts.hostname or "", parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise CallFailed("that is no HTTP address") from None


def is_public(address: IPAddress) -> bool:
    """Whether the address is one of the open internet, also if it stands for an IPv4 address behind a translator."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def is_loopback(host: str) -> bool:
    """Whether the name or address of a host is one of this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(response: http.client.HTTPResponse, limit: int) -> Answer:
    content = response.read(limit + 1)
    if len(content) > limit:
        raise AnswerTooLarge(f"the answer has more than {limit} bytes")
    if response.length:
        raise http.client.IncompleteRead(content, response.length)
    return Answer(response.status, response.headers, content)


def _connected(host: str, port: int, secure: bool, deadline: float,
               may_reach: Callable[[IPAddress], bool]) -> socket.socket:
    """A connection to the first address of the host that takes one. Raises NotConnected, AddressRefused."""
    addresses = _addresses(host, port)
    if not all(may_reach(ipaddress.ip_address(address.partition("%")[0])) for address in addresses):
        raise AddressRefused(f"{host} is at an address that is not to be reached from here")
    failure: Exception = TimeoutError("it has no address")
    for address in addresses:
        try:
            connection = socket.create_connection((address, port), min(CONNECT_SECONDS, _left(deadline)))
        except OSError as error:
            failure = error
            continue
        return _secured(connection, host, deadline) if secure else connection
    raise NotConnected(f"no connection to {host}:{port}: {_words(failure)}") from failure


def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, without repetition. The resolver's own time limits hold."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotConnected(f"the name {host} is not known: {_words(error)}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _secured(connection: socket.socket, host: str, deadline: float) -> socket.socket:
    """The connection with TLS on it, the certificate checked. Raises NotConnected: nothing was asked yet."""
    try:
        connection.settimeout(_left(deadline))
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except OSError as error:
        connection.close()
        raise NotConnected(f"no secure connection to {host}: {_words(error)}") from error


def _left(deadline: float) -> float:
    """The seconds until the deadline. Raises TimeoutError if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


class _TimedSocket:
    """As much of a socket as http.client uses; all its waits end at the deadline."""

    def __init__(self, connection: socket.socket, deadline: float):
        self._connection = connection
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(_left(self._deadline))
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._connection, self._deadline), READ_AT_ONCE)

    def close(self) -> None:
        """Nothing: whoever made the connection closes it, after the answer was read."""


class _TimedReader(io.RawIOBase):
    """The bytes that come, until the deadline."""

    def __init__(self, connection: socket.socket, deadline: float):
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._connection.settimeout(_left(self._deadline))
        return self._connection.recv_into(buffer)
