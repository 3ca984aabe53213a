"""Whether the server can work, in words for whoever runs it."""
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from servicex.errors import ServiceXError

log = logging.getLogger(__name__)
FINE = "ok"
# However often it is asked, the parts are asked no more often than this.
KEPT_SECONDS = 2.0


@dataclass(frozen=True)
class Check:
    """A part that can be asked how it is: `ask` returns words, or none if all is well, and raises if it is away.

    Without a part that is `needed` the server can answer no request.
    """

    ask: Callable[[], str | None]
    needed: bool = False


@dataclass(frozen=True)
class HealthReport:
    """How each part is, `ok` or words; `ready` if the server can answer requests."""

    ready: bool
    parts: Mapping[str, str]


class Health:
    """Asks the parts, by name, and remembers the answers for a moment. Thread-safe."""

    def __init__(self, checks: Mapping[str, Check]):
        self._checks = checks
        self._lock = threading.Lock()
        self._report: HealthReport | None = None
        self._at = 0.0

    def report(self) -> HealthReport:
        """How the parts are now, or were a moment ago."""
        with self._lock:
            if self._report is None or time.monotonic() - self._at > KEPT_SECONDS:
                self._report = self._ask_all()
                self._at = time.monotonic()
            return self._report

    def _ask_all(self) -> HealthReport:
        answers = {name: _ask(name, check) for name, check in self._checks.items()}
        ready = all(fine for fine, _ in answers.values())
        return HealthReport(ready, {name: words for name, (_, words) in answers.items()})


def _ask(name: str, check: Check) -> tuple[bool, str]:
    """Whether the server can do with the part as it is, and how that is."""
    try:
        return True, check.ask() or FINE
    except ServiceXError as error:
        return not check.needed, error.message
    except Exception:
        log.exception("the %s could not be asked how it is", name)
        return not check.needed, "It cannot be asked; the server's log tells more."
