"""Results: one for each file of a transform, and what they come to."""
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Select, func, select

from servicex.adoption.carry import carried, in_utc
from servicex.adoption.notes import Notes
from servicex.adoption.old_database import OldDatabase, Row
from servicex.models import Base
from servicex.models.result import FAILURE, SUCCESS

RESULTS, EVENTS = Base.metadata.tables["transform_result"], Base.metadata.tables["file_status"]
TICK = timedelta(microseconds=1)
SECOND = "results of a file that has one already, left aside"
NO_FILE = "results of no known file, left aside"


@dataclass
class Tally:
    """What the results of a transform come to, as columns of it."""

    files_completed: int = 0
    files_failed: int = 0
    total_events: int = 0
    total_bytes: int = 0
    total_time: float = 0.0
    min_time: float | None = None
    max_time: float | None = None
    last_result_at: datetime | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Count a result."""
        if row["transform_status"] == SUCCESS:
            self.files_completed += 1
        else:
            self.files_failed += 1
        self.total_events += row["total_events"] or 0
        self.total_bytes += row["total_bytes"] or 0
        self.last_result_at = row["created_at"]
        if row["transform_time"] is not None:
            self._add_time(float(row["transform_time"]))

    def _add_time(self, seconds: float) -> None:
        self.total_time += seconds
        self.min_time = seconds if self.min_time is None else min(seconds, self.min_time)
        self.max_time = seconds if self.max_time is None else max(seconds, self.max_time)


class Results:
    """The results, and after they were all read what they come to."""

    def __init__(self, old: OldDatabase, notes: Notes):
        self._old = old
        self._notes = notes
        self._tallies: dict[str, Tally] = {}

    def tally(self, request_id: str) -> Tally:
        """What the results of a transform come to."""
        return self._tallies.get(request_id) or Tally()

    def rows(self) -> Iterator[dict[str, Any]]:
        """One result for each file of each transform, in the order in which they came."""
        for request_id, rows in groupby(self._old.rows(_results(self._old)), lambda row: row["request_id"]):
            tally = self._tallies[request_id] = Tally()
            for number, row in enumerate(sorted(self._first_of_each_file(rows), key=lambda row: row["id"])):
                row["created_at"] = in_utc(row.pop("submit_time")) + (number + 1) * TICK
                tally.add(row)
                yield row

    def _first_of_each_file(self, rows: Iterator[Row]) -> Iterator[dict[str, Any]]:
        """The first success on each file, else the first failure: the first report is what its client was told."""
        best: dict[int, dict[str, Any]] = {}
        by_path: dict[str, int] | None = None
        for old_row in rows:
            file_id = old_row["known_file"]
            if file_id is None:
                by_path = self._files_by_path(old_row["owner"]) if by_path is None else by_path
                file_id = by_path.get(old_row["file_path"])
            if file_id is None:
                self._notes.changed(NO_FILE)
                continue
            row = _converted(old_row, file_id)
            if file_id in best:
                self._notes.changed(SECOND)
            if file_id not in best or _is_success(row) > _is_success(best[file_id]):
                best[file_id] = row
        yield from best.values()

    def _files_by_path(self, dataset_id: int) -> dict[str, int]:
        files = self._old.files()
        query = select(files.c.id, files.c.paths).where(files.c.owner == dataset_id).order_by(files.c.id.desc())
        return {path: row["id"] for row in self._old.rows(query) for path in row["paths"].split(",")}


def _results(old: OldDatabase) -> Select[Any]:
    """The results with what else is known of them, those of one transform together, in the order they came."""
    results, requests, files = old.tables["transform_result"], old.tables["requests"], old.tables["files"]
    owner = requests.c.did_id if old.has_datasets else requests.c.id
    known = select(results, requests.c.submit_time, owner.label("owner"), files.c.id.label("known_file")).join_from(
        results, requests, requests.c.request_id == results.c.request_id).outerjoin(
        files, files.c.id == results.c.file_id)
    if "file_status" in old.tables:
        known = _with_reason(old, known)
    return known.order_by(results.c.request_id, results.c.id)


def _with_reason(old: OldDatabase, known: Select[Any]) -> Select[Any]:
    """Add what the worker told of the last failure of the file, and where it ran."""
    results, events = old.tables["transform_result"], old.tables["file_status"]
    last = select(events.c.request_id, events.c.file_id, func.max(events.c.id).label("id")).where(
        events.c.status == FAILURE).group_by(events.c.request_id, events.c.file_id).subquery()
    this_file = (last.c.request_id == results.c.request_id) & (last.c.file_id == results.c.file_id)
    return known.add_columns(events.c.info, events.c.pod_name).outerjoin(last, this_file).outerjoin(
        events, events.c.id == last.c.id)


def _converted(row: Row, file_id: int) -> dict[str, Any]:
    success = row["transform_status"].lower() == SUCCESS
    reason = None if success else (row.get("info") or "").partition("\n")[0] or None
    return {**carried(row, RESULTS), "file_id": file_id, "submit_time": row["submit_time"],
            "transform_status": SUCCESS if success else FAILURE, "error_message": reason,
            "host": None if success else row.get("pod_name")}


def _is_success(row: dict[str, Any]) -> bool:
    return bool(row["transform_status"] == SUCCESS)


def events(old: OldDatabase) -> Iterator[dict[str, Any]]:
    """What happened to files on the way, as far as the files are known."""
    if "file_status" not in old.tables:
        return
    rows, files = old.tables["file_status"], old.tables["files"]
    for row in old.rows(select(rows).join_from(rows, files, files.c.id == rows.c.file_id).order_by(rows.c.id)):
        yield carried(row, EVENTS)
