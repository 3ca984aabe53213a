"""Faults that a test asks for: refusals, hanging, broken connections, delays."""
import threading
from dataclasses import dataclass, field

from tests.kubernetes.fake.errors import ApiError

_REASONS = {429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}


class ConnectionDropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Trouble:
    """A fault for the next `count` requests whose method and path contain `matching`, such as `POST /apis/apps`.

    `status` refuses them with that code; `drop` closes the connection, before the request is done or `after` it, when
    only the answer is lost; `seconds` has them wait first.
    """

    count: int
    matching: str = ""
    status: int = 0
    retry_after: int | None = None
    drop: bool = False
    after: bool = False
    seconds: float = 0.0


@dataclass
class Troubles:
    """All that is to go wrong, in the order in which it was asked for; one fault a request."""

    closing: threading.Event
    pending: list[Trouble] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: str) -> Trouble | None:
        """The fault of this request, if it is to have one."""
        with self._lock:
            for trouble in self.pending:
                if trouble.matching in request:
                    trouble.count -= 1
                    if trouble.count <= 0:
                        self.pending.remove(trouble)
                    return trouble
        return None

    def before(self, trouble: Trouble | None) -> None:
        """Let it happen to a request that was not done yet; raises ApiError or ConnectionDropped."""
        if trouble is None:
            return
        self.closing.wait(trouble.seconds)
        if trouble.drop and not trouble.after:
            raise ConnectionDropped
        if trouble.status:
            raise ApiError(trouble.status, _REASONS.get(trouble.status, "Unknown"), "the test wants it so",
                           {} if trouble.retry_after is None else {"retryAfterSeconds": trouble.retry_after})
