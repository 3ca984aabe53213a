"""Datasets and their files. What is known of a dataset may be wrong in ways that only a new look-up mends."""
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from servicex.adoption.carry import carried, in_utc
from servicex.adoption.notes import Notes
from servicex.adoption.old_database import OldDatabase, Row
from servicex.models import Base, LookupStatus
from servicex.models.dataset import hash_of_paths

DATASETS, FILES = Base.metadata.tables["datasets"], Base.metadata.tables["files"]
SCHEME = re.compile(r"([A-Za-z][\w.+-]{0,62})://")
LIST_FINDER = "user"
CUT_OFF = "The look-up had not ended when the server was replaced."
STALE = "datasets to be looked up anew when asked for (no files, a file twice, or not looked up to the end)"
TWICE = "files that are twice in their dataset, kept apart"


class Sums:
    """What the files of each dataset come to."""

    def __init__(self, old: OldDatabase):
        files = old.files()
        twice = select(files.c.owner).group_by(files.c.owner, files.c.paths).having(func.count() > 1)
        self._sums = {row["owner"]: row for row in old.rows(select(
            files.c.owner, func.count().label("n_files"), func.sum(files.c.file_size).label("size"),
            func.sum(files.c.file_events).label("events")).group_by(files.c.owner))}
        self.with_duplicates = {row["owner"] for row in old.rows(twice)}

    def n_files(self, dataset_id: int) -> int:
        """How many files it has."""
        return int(self._sums[dataset_id]["n_files"]) if dataset_id in self._sums else 0

    def totals(self, dataset_id: int) -> dict[str, int]:
        """Files, bytes and events, as columns."""
        sums = self._sums.get(dataset_id)
        return {name: int(sums[name] or 0) if sums else 0 for name in ("n_files", "size", "events")}


def datasets(old: OldDatabase, sums: Sums, notes: Notes) -> Iterator[dict[str, Any]]:
    """Every dataset; where there were none, one for each transform, to which the files belonged."""
    if old.has_datasets:
        table = old.tables["datasets"]
        for row in old.rows(select(table).order_by(table.c.id)):
            yield _kept(row, sums, notes)
        return
    requests = old.tables["requests"]
    for row in old.rows(select(requests.c.id, requests.c.did, requests.c.submit_time).order_by(requests.c.id)):
        yield _made(row, sums)


def _kept(row: Row, sums: Sums, notes: Notes) -> dict[str, Any]:
    totals = sums.totals(row["id"])
    complete = row["lookup_status"].lower() == LookupStatus.COMPLETE
    stale = not complete or not totals["n_files"] or row["id"] in sums.with_duplicates
    if stale:
        notes.changed(STALE)
    return {**carried(row, DATASETS), **totals,
            "size": totals["size"] or row["size"] or 0, "events": totals["events"] or row["events"] or 0,
            "last_updated": in_utc(row["last_updated"] or row["last_used"]), "is_stale": stale,
            "lookup_status": LookupStatus.COMPLETE if complete else LookupStatus.INTERNAL_FAILURE,
            "lookup_message": None if complete else CUT_OFF}


def _made(row: Row, sums: Sums) -> dict[str, Any]:
    """The dataset of one transform, for no other: what a DID stood for then says nothing of today."""
    scheme = SCHEME.match(row["did"])
    totals, at = sums.totals(row["id"]), in_utc(row["submit_time"])
    return {"id": row["id"], "name": row["did"], "did_finder": scheme[1] if scheme else LIST_FINDER, **totals,
            "last_used": at, "last_updated": at, "is_stale": True,
            "lookup_status": LookupStatus.COMPLETE if totals["n_files"] else LookupStatus.INTERNAL_FAILURE,
            "lookup_message": None if totals["n_files"] else CUT_OFF}


def files(old: OldDatabase, notes: Notes) -> Iterator[dict[str, Any]]:
    """Every file. One that its dataset has already keeps its row and its results, under a hash of its own."""
    rows = old.files()
    owner, known = None, set[str]()
    for row in old.rows(select(rows).order_by(rows.c.owner, rows.c.id)):
        if row["owner"] != owner:
            owner, known = row["owner"], set()
        paths = tuple(row["paths"].split(","))
        digest = hash_of_paths(paths)
        if digest in known:
            notes.changed(TWICE)
            digest = hash_of_paths((*paths, f"#{row['id']}"))
        known.add(digest)
        yield {**carried(row, FILES), "dataset_id": owner, "paths": paths, "paths_hash": digest}
