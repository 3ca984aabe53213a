"""The way to RabbitMQ: a connection made when it is first needed, and made again when it was lost."""
import logging
import random
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

import pika

from servicex.backends.broker.rabbitmq_link import Call, Link
from servicex.errors import Unavailable
from servicex.settings import InvalidSettings

log = logging.getLogger(__name__)
# Between URLs only: a password may hold a comma or a semicolon.
BETWEEN_URLS = re.compile(r"[;,]\s*(?=amqps?://)")
# Seconds. A broker that is silent for twice the heartbeat is given up.
HEARTBEAT = 20
# Long enough for all who waited for the same attempt to be told that it failed, instead of making the next in turn.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 5.0


class Connection:
    """Calls on whichever broker of a list answers. May be used from any thread.

    A call takes at most `connect_seconds` for each broker, and `seconds` for the rest. After a failure of all of them,
    calls fail at once for a moment, longer each time.
    """

    def __init__(self, urls: str | Sequence[str], seconds: float, connect_seconds: float):
        self._brokers = [connection_parameters(url, connect_seconds) for url in split_urls(urls)]
        self._seconds = seconds
        self._connect_seconds = connect_seconds
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._failures = 0
        self._closed_until = 0.0
        self._why = ""

    def call(self, begin: Call) -> Any:
        """The outcome of what `begin` begins on a channel of its own.

        Raises Unavailable, and pika's ChannelClosedByBroker if the broker refuses.
        """
        done = self._open_link().call(begin)
        try:
            return done.result(self._seconds)
        except TimeoutError:
            raise Unavailable(f"RabbitMQ did not answer within {self._seconds:.0f} seconds.") from None

    def close(self) -> None:
        """End the connection; a later call makes another one."""
        with self._lock:
            if self._link is not None:
                self._link.close()
            self._link = None

    def _open_link(self) -> Link:
        with self._lock:
            if self._link is None or self._link.lost:
                self._link = self._connect()
            return self._link

    def _connect(self) -> Link:
        if time.monotonic() < self._closed_until:
            raise Unavailable(self._why)
        for parameters in self._brokers:
            link = Link(parameters)
            try:
                _wait(link.opened, self._connect_seconds + 1)
            except Unavailable as error:
                link.close()
                self._why = error.message
                log.warning("%s", error.message)
            else:
                self._failures = 0
                return link
        self._hold_off()
        raise Unavailable(self._why)

    def _hold_off(self) -> None:
        """Have no connection made for a moment; of many servers each takes another moment."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        self._failures += 1
        self._closed_until = time.monotonic() + pause * random.uniform(0.5, 1)


def _wait(opened: "Future[None]", seconds: float) -> None:
    try:
        opened.result(seconds)
    except TimeoutError:
        raise Unavailable(f"RabbitMQ did not open a connection within {seconds:.0f} seconds.") from None


def split_urls(urls: str | Sequence[str]) -> list[str]:
    """The URLs in a list, or in a text with `;` or `,` between them. Raises InvalidSettings, without saying the URL."""
    listed = BETWEEN_URLS.split(urls.strip()) if isinstance(urls, str) else list(urls)
    if not listed:
        raise InvalidSettings("RABBIT_MQ_URL names no broker.")
    return listed


def connection_parameters(url: str, connect_seconds: float) -> pika.ConnectionParameters:
    """How to connect to one broker. Raises InvalidSettings, without saying the URL."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError
        path = "/%2F" if parts.path in ("", "/", "//") else parts.path
        parameters = pika.URLParameters(parts._replace(path=path, query="").geturl())
    except Exception:
        raise InvalidSettings("RABBIT_MQ_URL must be amqp://user:password@host:port/vhost, or several such URLs with "
                              "; between them.") from None
    parameters.heartbeat = HEARTBEAT
    parameters.connection_attempts = 1
    parameters.socket_timeout = parameters.stack_timeout = connect_seconds
    return parameters
