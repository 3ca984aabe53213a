"""Where the results of transforms go, of whatever kind it is: an object store, or a shared volume."""
from pathlib import Path
from typing import Protocol


class ResultStore(Protocol):
    """Keeps the results of each transform apart from all others. Raises `Unavailable` when it is away."""

    def create(self, request_id: str, /) -> None:
        """Make the place for a transform's results; does nothing if it is there."""

    def put(self, request_id: str, name: str, source: Path, /) -> int:
        """Move the file `source` there under this name; gives its size in bytes."""

    def settle(self, request_id: str, /) -> None:
        """Make what was put there last, come what may."""

    def delete(self, request_id: str, /) -> None:
        """Remove the transform's results; does nothing if there are none."""
