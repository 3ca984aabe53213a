"""A transformer without the science: it stores an object and reports.

    python -m tests.faults.transformer REQUEST_ID SECONDS

SECONDS is how long a file takes. Beyond what sidecars do it is a nuisance: it reports some files twice, or once more
from another replica, a while later.
"""
import random
import sys
import time
from typing import Any

from tests.sidecar import Sidecar, object_name

TWICE = 0.1
FROM_ANOTHER_REPLICA = 0.05
LATE_SECONDS = 0.5


class Nuisance(Sidecar):
    """Works on the files of one transform, one at a time."""

    def __init__(self, request_id: str, seconds: float):
        super().__init__(request_id)
        self._seconds = seconds

    def take(self, work: dict[str, Any]) -> None:
        """Store an object and report."""
        time.sleep(self._seconds)
        self._transform(work, work["paths"][0])

    def after(self, work: dict[str, Any]) -> None:
        """Report again, now and then."""
        if random.random() < TWICE:
            self.report(work, work["paths"][0])
        if random.random() < FROM_ANOTHER_REPLICA:
            time.sleep(LATE_SECONDS)
            self._transform(work, work["paths"][1])

    def _transform(self, work: dict[str, Any], path: str) -> None:
        self.put(object_name(path, "parquet"), f"file {work['file_id']}".encode())
        self.report(work, path)


if __name__ == "__main__":
    nuisance = Nuisance(sys.argv[1], float(sys.argv[2]))
    while True:     # Until killed: the queue may be made anew.
        nuisance.serve()
