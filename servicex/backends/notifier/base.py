"""The interface of notifiers."""
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class NotSent(Exception):
    """Raised when something could not be sent, and trying again may help; the message says why, without secrets."""


class Refused(NotSent):
    """Raised when trying again would not help."""


class Notifier(ABC):
    """Sends what is told through one channel. What is sent again arrives again: nothing outside tells twice from once.

    Every call ends within a minute, so that what was claimed for it is still ours when the outcome is noted.
    """

    @abstractmethod
    def send(self, content: Mapping[str, Any]) -> None:
        """Send it. Raises NotSent, or Refused."""
