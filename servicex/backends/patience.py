"""Trying again while the database is away."""
import threading
import time
from collections.abc import Callable

from servicex.errors import Unavailable

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0


def patiently(call: Callable[[], None], seconds: float, stopped: threading.Event) -> bool:
    """Call until that goes well, and give True; give False if `stopped` was set before.

    Only `Unavailable` is tried again, with longer and longer pauses, and raised in the end when that went on for so
    many seconds.
    """
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while not stopped.is_set():
        try:
            call()
            return True
        except Unavailable:
            if time.monotonic() >= deadline:
                raise
        stopped.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return False
