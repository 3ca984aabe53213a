"""One connection to RabbitMQ. A thread of its own has it: pika's connections must not be shared between threads."""
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.exceptions import AMQPError, ChannelClosedByBroker

from servicex.errors import Unavailable

log = logging.getLogger(__name__)
# What is to be said we say ourselves, once, and without what pika would tell of each frame of a failure.
logging.getLogger("pika").setLevel(logging.CRITICAL)

# Seconds a connection may take to be closed in good order.
CLOSING = 2.0
# Begins something on a fresh channel, whose outcome becomes known by the future.
Call = Callable[[Channel, "Future[Any]"], None]


class Link:
    """A connection that opens at once, and when it is lost is so for good; what was under way on it then fails.

    `opened` tells whether it came about.
    """

    def __init__(self, parameters: pika.ConnectionParameters):
        self.opened: Future[None] = Future()
        self._lock = threading.Lock()
        self._lost = False
        self._blocked = False
        self._calls: set[Future[Any]] = {self.opened}
        self.opened.add_done_callback(self._calls.discard)
        self._name = f"RabbitMQ at {parameters.host}:{parameters.port}"
        self._loop = IOLoop()
        self._connection = pika.SelectConnection(
            parameters, on_open_callback=self._on_open, on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost, custom_ioloop=self._loop)
        threading.Thread(target=self._run, name="rabbitmq", daemon=True).start()

    @property
    def lost(self) -> bool:
        """Whether it is of no more use."""
        return self._lost

    def call(self, begin: Call) -> "Future[Any]":
        """Have `begin` called with a channel that is closed when the future is done.

        The future has `Unavailable` if the link is lost or takes nothing, and pika's exception if the broker closes the
        channel.
        """
        done: Future[Any] = Future()
        with self._lock:
            if not self._lost:
                self._calls.add(done)
                done.add_done_callback(self._calls.discard)
                self._loop.add_callback_threadsafe(partial(self._begin, begin, done))
                return done
        settle(done, Unavailable(f"The connection to {self._name} was lost."))
        return done

    def close(self) -> None:
        """End the connection; returns before that has happened."""
        with self._lock:
            if not self._lost:
                self._loop.add_callback_threadsafe(self._close)

    def _close(self) -> None:
        self._loop.call_later(CLOSING, self._loop.stop)
        if not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def _run(self) -> None:
        try:
            self._loop.start()
        except Exception:
            log.exception("the connection to %s failed", self._name)
        with self._lock:
            self._lost = True
            self._loop.close()
        self._fail(f"The connection to {self._name} was lost.")

    def _on_open(self, connection: Any) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        connection.add_on_connection_unblocked_callback(self._on_unblocked)
        settle(self.opened, None)

    def _on_lost(self, _: Any, reason: BaseException) -> None:
        self._fail(str(self._why_closed(reason)))
        self._loop.stop()

    def _on_blocked(self, *_: Any) -> None:
        log.warning("%s is short of memory or disk and takes no messages", self._name)
        self._blocked = True
        self._fail(self._why_blocked())

    def _on_unblocked(self, *_: Any) -> None:
        log.info("%s takes messages again", self._name)
        self._blocked = False

    def _why_blocked(self) -> str:
        return f"{self._name} is short of memory or disk and takes no messages just now."

    def _begin(self, begin: Call, done: "Future[Any]") -> None:
        if self._blocked:
            return settle(done, Unavailable(self._why_blocked()))
        try:
            self._connection.channel(on_open_callback=partial(self._on_channel, begin, done))
        except AMQPError as error:
            settle(done, Unavailable(f"{self._name} gives no channel: {_shown(error)}."))

    def _on_channel(self, begin: Call, done: "Future[Any]", channel: Channel) -> None:
        channel.add_on_close_callback(lambda _, reason: settle(done, self._why_closed(reason)))
        done.add_done_callback(lambda _: channel.close() if channel.is_open else None)
        begin(channel, done)

    def _why_closed(self, reason: BaseException) -> BaseException:
        if isinstance(reason, ChannelClosedByBroker):
            return reason
        return Unavailable(f"The connection to {self._name} failed: {_shown(reason)}.")

    def _fail(self, why: str) -> None:
        with self._lock:
            calls = list(self._calls)
        for done in calls:
            settle(done, Unavailable(why))


def settle(done: "Future[Any]", outcome: Any) -> None:
    """Give the future its outcome, an exception or a value, unless it has one."""
    if done.done():
        return
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def _shown(error: BaseException) -> str:
    """What went wrong, in a line: pika wraps the cause several times."""
    held = (*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args)
    causes = [cause for cause in held if isinstance(cause, BaseException)]
    return _shown(causes[-1]) if causes else f"{type(error).__name__} {error}".strip()
