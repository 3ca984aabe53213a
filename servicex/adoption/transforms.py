"""Transform requests, and the controller's notes on them."""
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select

from servicex.adoption.carry import carried
from servicex.adoption.datasets import Sums
from servicex.adoption.notes import Notes
from servicex.adoption.old_database import OldDatabase, Row
from servicex.adoption.results import Results
from servicex.models import Base, TransformStatus

REQUESTS = Base.metadata.tables["requests"]
# A selection may have ten million characters.
ROWS_READ = 20
UNFINISHED = ("The server was replaced before this transform had ended, and its program was not kept with it. "
              "Please submit it again.")
ENDED = "transforms that had not ended, Fatal now"
RECOUNTED = "transforms whose count of files done or failed was wrong"


class Transforms:
    """The transforms, and after they were all read what the controller has to know of them."""

    def __init__(self, old: OldDatabase, sums: Sums, results: Results, notes: Notes, now: datetime):
        self._old = old
        self._sums = sums
        self._results = results
        self._notes = notes
        self._now = now
        self._torn_down: dict[int, bool] = {}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every transform, counted anew."""
        table = self._old.tables["requests"]
        for row in self._old.rows(select(table).order_by(table.c.id), ROWS_READ):
            yield self._converted(row)

    def control_rows(self) -> Iterator[dict[str, Any]]:
        """The controller has to clear away after those that had not ended."""
        for transform_id, torn_down in self._torn_down.items():
            yield {"transform_id": transform_id, "torn_down": torn_down}

    def _converted(self, row: Row) -> dict[str, Any]:
        dataset_id = row["did_id"] if self._old.has_datasets else row["id"]
        tally = self._results.tally(row["request_id"])
        counts = (tally.files_completed, tally.files_failed)
        if "files_completed" in row and (row["files_completed"], row["files_failed"]) != counts:
            self._notes.changed(RECOUNTED)
        return {**carried(row, REQUESTS), **asdict(tally), "did_id": dataset_id,
                "files": max(self._sums.n_files(dataset_id) or row["files"] or 0, sum(counts)), **self._state(row)}

    def _state(self, row: Row) -> dict[str, Any]:
        """A transform that had not ended, or of which that is not known, ends here."""
        status = status_of(row["status"])
        self._torn_down[row["id"]] = status is not None and status.terminal
        if status is not None and status.terminal:
            return {"status": status}
        self._notes.changed(ENDED)
        return {"status": TransformStatus.FATAL, "finish_time": self._now, "failure_description": UNFINISHED}


def status_of(text: str | None) -> TransformStatus | None:
    """The state of that name, written as in any release; None if there is none."""
    try:
        return TransformStatus((text or "").strip().lower().replace(" ", "_"))
    except ValueError:
        return None
