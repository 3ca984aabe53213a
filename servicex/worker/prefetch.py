"""Fetches the next input while another one is transformed."""
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from servicex.errors import Unavailable
from servicex.processes import Child, ChildDied, ChildTimedOut, WarmParent
from servicex.transformer.fetch import TARGET
from servicex.worker.inputs import is_remote

# A file that takes longer is read in place, like one that is too large.
SECONDS = 60.0
MEMORY_BYTES = 2**30

logger = logging.getLogger(__name__)

Fetched = Callable[[int, Path | None], None]


class Prefetch(threading.Thread):
    """Fetches remote files of at most `limit` bytes into `folder`, one after the other, until the program ends.

    It is a child of `warm` that fetches: what a storage server sends is read by nobody who holds a secret.
    """

    def __init__(self, warm: WarmParent, folder: Path, limit: int):
        super().__init__(name="prefetch", daemon=True)
        self._warm = warm
        self._folder = folder
        self._limit = limit
        self._asked: queue.SimpleQueue[tuple[str, int, Fetched]] = queue.SimpleQueue()
        self._child: Child | None = None

    def wants(self, path: str) -> bool:
        """Whether a file is worth the try."""
        return self._limit > 0 and is_remote(path)

    def add(self, path: str, file_id: int, done: Fetched) -> None:
        """Fetch a file; `done` is called with its id, and where it is then, None if it is to be read in place."""
        self._asked.put((path, file_id, done))

    def run(self) -> None:
        """Fetch what is asked for."""
        while True:
            path, file_id, done = self._asked.get()
            into = self._folder / f"{file_id}.prefetched"
            done(file_id, into if self._fetch(path, into) else None)

    def _fetch(self, path: str, into: Path) -> bool:
        try:
            child = self._child_there()
            child.send({"path": path, "into": str(into), "limit": self._limit})
            reply = child.receive(SECONDS)
        except (ChildDied, ChildTimedOut, Unavailable, OSError) as error:
            logger.info("an input is read in place, since it was not fetched: %s", error)
            self._drop(into)
            return False
        return reply.get("fetched") is True

    def _child_there(self) -> Child:
        if self._child is None:
            self._child = self._warm.spawn(TARGET, memory_limit=MEMORY_BYTES)
        return self._child

    def _drop(self, into: Path) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None
        into.unlink(missing_ok=True)
