"""A bounded memory of what was found out, each entry with a time of its own to be forgotten at."""
import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Up to `size` entries; the one kept longest goes first. Threads may share it."""

    def __init__(self, size: int):
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, tuple[Value, float]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """What is remembered, or None."""
        with self._lock:
            value, until = self._entries.get(key, (None, 0.0))
        return value if time.monotonic() < until else None

    def put(self, key: Key, value: Value, seconds: float) -> None:
        """Remember it for so long."""
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = (value, time.monotonic() + seconds)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
