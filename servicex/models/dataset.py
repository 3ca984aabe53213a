"""Datasets and their files."""
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import (BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, insert,
                        select)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql import text

from servicex.models.base import Base, PathList, UtcDateTime, now

BULK_ROWS = 5000


class LookupStatus(StrEnum):
    """How far the look-up of a dataset is. The last three are failures, in the words the client knows."""

    CREATED = "created"
    LOOKING = "looking"
    COMPLETE = "complete"
    DOES_NOT_EXIST = "does_not_exist"
    BAD_NAME = "bad_name"
    INTERNAL_FAILURE = "internal_failure"


OPEN_LOOKUPS = (LookupStatus.CREATED, LookupStatus.LOOKING)


class Dataset(Base):
    """The files that a DID, or a list given by a user, stands for.

    A complete dataset never changes. It is looked up anew by making another row: the name is unique only among the
    rows that are not stale. `lookup_deadline` is when the controller has to do something about an open look-up: begin
    it (at once if there is none), or begin it again because no answer came.
    """

    __tablename__ = "datasets"
    __table_args__ = (
        Index("ix_datasets_current_name", "name", unique=True, sqlite_where=text("NOT is_stale"),
              postgresql_where=text("NOT is_stale")),
        Index("ix_datasets_lookup_status", "lookup_status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(1024))
    did_finder: Mapped[str] = mapped_column(String(64))
    n_files: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    events: Mapped[int] = mapped_column(BigInteger, default=0)
    last_used: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_updated: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lookup_status: Mapped[str] = mapped_column(String(16), default=LookupStatus.CREATED)
    is_stale: Mapped[bool] = mapped_column(default=False)
    lookup_message: Mapped[str | None] = mapped_column(Text)
    lookup_attempts: Mapped[int] = mapped_column(Integer, default=0)
    lookup_deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DatasetFile(Base):
    """One file of a dataset; unique in it by its list of replicas."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("dataset_id", "paths_hash", name="files_dataset_id_paths_hash_key"),
        Index("ix_dataset_id", "dataset_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    adler32: Mapped[str | None] = mapped_column(String(48))
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    file_events: Mapped[int | None] = mapped_column(BigInteger)
    paths: Mapped[tuple[str, ...]] = mapped_column(PathList)
    paths_hash: Mapped[str] = mapped_column(String(64))


class FileFacts(Protocol):
    """What is known of a file before it has a row; sizes in bytes, 0 if not known."""

    @property
    def paths(self) -> tuple[str, ...]: ...
    @property
    def adler32(self) -> str | None: ...
    @property
    def file_size(self) -> int: ...
    @property
    def file_events(self) -> int: ...


def hash_of_paths(paths: Sequence[str]) -> str:
    """The identity of a file in its dataset: SHA-256 over its replicas, in hex.

    In whatever order: a finder that is asked again may prefer others, and no file may be counted twice for that.
    """
    return hashlib.sha256(json.dumps(sorted(paths), ensure_ascii=False).encode()).hexdigest()


def current(session: Session, name: str, lock: bool = False) -> Dataset | None:
    """The row for the name that is not stale, if there is one; `lock` keeps others from changing it till the commit."""
    query = select(Dataset).where(Dataset.name == name, ~Dataset.is_stale)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def insert_if_new(session: Session, **values: object) -> None:
    """Insert a dataset unless its name is there already among those that are not stale."""
    values = {"n_files": 0, "size": 0, "events": 0, "last_used": now(), "last_updated": now(), "is_stale": False,
              "lookup_attempts": 0, **values}
    session.execute(_insert(session)(Dataset).values(**values).on_conflict_do_nothing())


def add_files(session: Session, dataset: Dataset, files: Iterable[FileFacts]) -> None:
    """Insert those files that the dataset does not have yet, and add them to its totals.

    The caller holds the dataset's row locked, so that file ids become visible in order: what publishes the files works
    through them by id.
    """
    rows = {hash_of_paths(f.paths): f for f in files}
    hashes = list(rows)
    for start in range(0, len(hashes), BULK_ROWS):
        _add_bulk(session, dataset, {h: rows[h] for h in hashes[start:start + BULK_ROWS]})


def _add_bulk(session: Session, dataset: Dataset, rows: dict[str, FileFacts]) -> None:
    known = set(session.scalars(select(DatasetFile.paths_hash).where(
        DatasetFile.dataset_id == dataset.id, DatasetFile.paths_hash.in_(rows))))
    new = [(h, f) for h, f in rows.items() if h not in known]
    if not new:
        return
    session.execute(insert(DatasetFile), [
        {"dataset_id": dataset.id, "adler32": f.adler32, "file_size": f.file_size, "file_events": f.file_events,
         "paths": f.paths, "paths_hash": h} for h, f in new])
    dataset.n_files += len(new)
    dataset.size += sum(f.file_size for _, f in new)
    dataset.events += sum(f.file_events for _, f in new)


def _insert(session: Session):  # type: ignore[no-untyped-def]  # the two dialects share no base for `on_conflict_*`
    return postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
