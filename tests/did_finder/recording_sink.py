"""A sink that remembers what finders tell it."""
import threading
from collections.abc import Callable, Sequence

from servicex.backends.did_finder.base import FoundFile, LookupEnded, LookupFailure


class RecordingSink:
    """Remembers chunks and ends by dataset, and lets tests wait for them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.chunks: dict[int, list[list[FoundFile]]] = {}
        self.ended: dict[int, str] = {}
        self.messages: dict[int, str] = {}
        self.unwanted: set[int] = set()
        self.broken: set[int] = set()

    def files(self, dataset_id: int, files: Sequence[FoundFile]) -> None:
        if dataset_id in self.unwanted:
            raise LookupEnded
        if dataset_id in self.broken:
            raise RuntimeError("the database is away")
        with self._changed:
            self.chunks.setdefault(dataset_id, []).append(list(files))
            self._changed.notify_all()

    def complete(self, dataset_id: int) -> None:
        self._end(dataset_id, "complete")

    def failed(self, dataset_id: int, reason: LookupFailure, message: str) -> None:
        self.messages[dataset_id] = message
        self._end(dataset_id, reason.value)

    def found(self, dataset_id: int) -> list[FoundFile]:
        """All files of a dataset in the order they were told."""
        return [file for chunk in self.chunks.get(dataset_id, []) for file in chunk]

    def paths(self, dataset_id: int) -> list[str]:
        """Their first replicas."""
        return [file.paths[0] for file in self.found(dataset_id)]

    def wait(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until the condition holds; it is looked at after every call."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), (self.ended, self.messages)

    def end(self, dataset_id: int, seconds: float = 20) -> str:
        """How the look-up of a dataset ended: `complete` or the reason of its failure."""
        self.wait(lambda: dataset_id in self.ended, seconds)
        return self.ended[dataset_id]

    def _end(self, dataset_id: int, how: str) -> None:
        with self._changed:
            assert dataset_id not in self.ended, "a look-up ends once"
            self.ended[dataset_id] = how
            self._changed.notify_all()
