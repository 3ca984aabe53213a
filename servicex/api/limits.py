"""How often one user or one address may ask for what is worth guessing at, or costs a lot."""
import ipaddress
import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec, Protocol, TypeVar

from flask import Flask, current_app, request
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import MovingWindowRateLimiter

from servicex.errors import TooManyRequests

log = logging.getLogger(__name__)
EXTENSION = "servicex_limits"
# Whoever has more addresses than this makes the server forget, not grow.
MOST_KEYS = 20_000
# A provider gives each customer at least as much of IPv6 as this.
IPV6_PREFIX = 64
P = ParamSpec("P")
R = TypeVar("R")


class Limit(Enum):
    """What is limited."""

    SIGN_IN = "sign-in"
    TOKEN = "token"
    SUBMIT = "submit"


class Windows(Protocol):
    """Counts what each key did within the last of its rate's time."""

    def wait(self, rate: RateLimitItem, key: str) -> float:
        """Count one more; gives 0. If that is too many, it is not counted: gives for how many seconds that stays so."""


@dataclass
class _Window:
    seconds: int
    hits: deque[float] = field(default_factory=deque)

    def forget(self, now: float) -> None:
        while self.hits and self.hits[0] <= now - self.seconds:
            self.hits.popleft()


class MemoryWindows(Windows):
    """In this process, of at most so many keys; beyond, those are forgotten that were longest silent.

    That of the library `limits` keeps every key for ever, and looks through all of them after each request.
    """

    def __init__(self, most_keys: int = MOST_KEYS):
        self._most_keys = most_keys
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._windows)

    def wait(self, rate: RateLimitItem, key: str) -> float:
        """Count one more, if that is not too many."""
        now = time.monotonic()
        with self._lock:
            window = self._window(key, rate.get_expiry(), now)
            if len(window.hits) >= rate.amount:
                return window.hits[0] + window.seconds - now
            window.hits.append(now)
            return 0.0

    def _window(self, key: str, seconds: int, now: float) -> _Window:
        window = self._windows.setdefault(key, _Window(seconds))
        self._windows.move_to_end(key)
        window.forget(now)
        if len(self._windows) > self._most_keys:
            self._windows.popitem(last=False)
        return window


class SharedWindows(Windows):
    """In a storage that several processes share. While that is away, nothing is too many."""

    def __init__(self, storage: Storage):
        self._limiter = MovingWindowRateLimiter(storage)

    def wait(self, rate: RateLimitItem, key: str) -> float:
        """Count one more, if that is not too many."""
        try:
            if self._limiter.hit(rate, key):
                return 0.0
            return max(1.0, self._limiter.get_window_stats(rate, key).reset_time - time.time())
        except StorageError as error:
            log.warning("requests are not counted: %s", error)
            return 0.0


@dataclass(frozen=True)
class RateLimits:
    """The rates, and where requests are counted."""

    rates: Mapping[Limit, RateLimitItem]
    windows: Windows


def register(app: Flask, limits: RateLimits | None) -> None:
    """Have the app's requests counted; None: not at all."""
    app.extensions[EXTENSION] = limits


def count(limit: Limit, who: str) -> None:
    """Count a request of `who`. Raises TooManyRequests."""
    limits: RateLimits | None = current_app.extensions[EXTENSION]
    if limits is None:
        return
    seconds = limits.windows.wait(limits.rates[limit], f"{limit.value} {who}")
    if seconds:
        raise TooManyRequests(math.ceil(seconds))


def limited_by_address(limit: Limit) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have each request for a view counted by the address it comes from."""
    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            count(limit, address())
            return view(*args, **kwargs)
        return counted
    return decorate


def address() -> str:
    """Where the present request comes from: an IPv4 address, or what of an IPv6 address belongs to one customer."""
    told = request.remote_addr or ""
    try:
        ip: Any = ipaddress.ip_address(told)
    except ValueError:
        return "unknown"
    if ip.version == 4 or ip.ipv4_mapped:
        return str(ip if ip.version == 4 else ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip.packed, IPV6_PREFIX), strict=False))
