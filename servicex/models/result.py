"""Results of transforms, one a file, and what happened to the files on the way."""
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (BigInteger, ForeignKey, Index, String, Table, Text, UniqueConstraint, and_, exists, func,
                        insert, select, text, update)
from sqlalchemy.orm import Mapped, Session, mapped_column

from servicex.models.base import Base, UtcDateTime, now
from servicex.models.dataset import DatasetFile
from servicex.models.transform import TransformRequest

SUCCESS = "success"
FAILURE = "failure"


class TransformResult(Base):
    """The final word on one file of a transform. Sizes are in bytes, `transform_time` in seconds."""

    __tablename__ = "transform_result"
    __table_args__ = (
        UniqueConstraint("request_id", "file_id", name="transform_result_request_id_file_id_key"),
        UniqueConstraint("request_id", "s3_object_name", name="transform_result_request_id_s3_object_name_key"),
        Index("ix_transform_result_request_id_created_at", "request_id", "created_at"),
        Index("ix_transform_result_failures", "request_id", "file_id",
              sqlite_where=text("transform_status = 'failure'"), postgresql_where=text("transform_status = 'failure'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    did: Mapped[str] = mapped_column(String(1024))
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    file_path: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(String(48))
    transform_status: Mapped[str] = mapped_column(String(120))
    transform_time: Mapped[float | None]
    total_events: Mapped[int | None] = mapped_column(BigInteger)
    total_bytes: Mapped[int | None] = mapped_column(BigInteger)
    avg_rate: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    s3_object_name: Mapped[str | None] = mapped_column(String(1024))
    object_size: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(default=1)
    host: Mapped[str | None] = mapped_column(String(128))
    error_class: Mapped[str | None] = mapped_column(String(128))
    error_message: Mapped[str | None] = mapped_column(Text)
    log: Mapped[str | None] = mapped_column(Text)


class FileStatus(Base):
    """Something that happened to a file of a transform: start, finish, retry or failure.

    `info` holds the error and the stack trace, at most 2048 characters in all, `pod_name` where it happened.
    """

    __tablename__ = "file_status"
    __table_args__ = (Index("ix_file_status_request_id_file_id", "request_id", "file_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    request_id: Mapped[str] = mapped_column(ForeignKey("requests.request_id", name="file_status_request_id_fkey"))
    status: Mapped[str] = mapped_column(String(128))
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    pod_name: Mapped[str | None] = mapped_column(String(128))
    info: Mapped[str | None] = mapped_column(Text)


def on_files(session: Session, request_ids: Collection[str],
             file_ids: Collection[int]) -> dict[tuple[str, int], TransformResult | None]:
    """Which of the files the transforms have, and the result on each, or None: by request id and file id."""
    rows = session.execute(
        select(TransformRequest.request_id, DatasetFile.id, TransformResult)
        .join(DatasetFile, DatasetFile.dataset_id == TransformRequest.did_id)
        .outerjoin(TransformResult, and_(TransformResult.request_id == TransformRequest.request_id,
                                         TransformResult.file_id == DatasetFile.id))
        .where(TransformRequest.request_id.in_(request_ids), DatasetFile.id.in_(file_ids)))
    return {(request_id, file_id): result for request_id, file_id, result in rows}


def is_result(session: Session, request_id: str, object_name: str) -> bool:
    """Whether the object is the result of a file of the transform."""
    return session.scalar(select(exists().where(TransformResult.request_id == request_id,
                                                TransformResult.s3_object_name == object_name))) or False


def object_names(session: Session, request_id: str) -> set[str]:
    """The names of all objects that are results of the transform."""
    return set(session.scalars(select(TransformResult.s3_object_name).where(
        TransformResult.request_id == request_id, TransformResult.s3_object_name.is_not(None))))


def without_size(session: Session, request_id: str, names: Collection[str] | None = None,
                 limit: int | None = None) -> dict[str, int]:
    """The results whose size is not known: the ids of their rows by the objects' names; only of these names if any."""
    query = select(TransformResult.s3_object_name, TransformResult.id).where(
        TransformResult.request_id == request_id, TransformResult.s3_object_name.is_not(None),
        TransformResult.object_size.is_(None))
    if names is not None:
        query = query.where(TransformResult.s3_object_name.in_(names))
    return {str(row[0]): row[1] for row in session.execute(query.limit(limit))}


def put(session: Session, rows: Sequence[dict[str, Any]],
        replacing: Mapping[tuple[str, int], TransformResult | None]) -> None:
    """Write results; those on files that have one already take its place."""
    fresh = [row for row in rows if not replacing[row["request_id"], row["file_id"]]]
    _insert(session, TransformResult, fresh)
    for row in rows:
        replaced = replacing[row["request_id"], row["file_id"]]
        if replaced:
            session.execute(update(TransformResult).where(TransformResult.id == replaced.id).values(**row))


def put_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write what happened to files."""
    _insert(session, FileStatus, rows)


def _insert(session: Session, kind: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Into the table, not by the class: that costs more for the same."""
    if rows:
        session.execute(insert(cast(Table, kind.__table__)), rows)


def page(session: Session, request_id: str, start: datetime | None, after: datetime | None,
         limit: int) -> Sequence[TransformResult]:
    """The oldest results of a transform from the time `start` on, that time included, and beyond the time `after`."""
    query = select(TransformResult).where(TransformResult.request_id == request_id)
    if start is not None:
        query = query.where(TransformResult.created_at >= start)
    if after is not None:
        query = query.where(TransformResult.created_at > after)
    return session.scalars(query.order_by(TransformResult.created_at).limit(limit)).all()


def failures(session: Session, request_id: str, after: datetime | None,
             limit: int) -> Sequence[tuple[TransformResult, DatasetFile, str | None]]:
    """The files of a transform that failed beyond the time `after`, oldest first.

    Each comes with why, and what its worker told of its last failure.
    """
    last = select(func.max(FileStatus.id)).where(
        FileStatus.request_id == TransformResult.request_id, FileStatus.file_id == TransformResult.file_id,
        FileStatus.status == FAILURE).correlate(TransformResult).scalar_subquery()
    query = select(TransformResult, DatasetFile, FileStatus.info).join(
        DatasetFile, DatasetFile.id == TransformResult.file_id).outerjoin(FileStatus, FileStatus.id == last).where(
        TransformResult.request_id == request_id, TransformResult.transform_status == FAILURE)
    if after is not None:
        query = query.where(TransformResult.created_at > after)
    return [(row[0], row[1], row[2]) for row in session.execute(
        query.order_by(TransformResult.created_at).limit(limit))]


def failed_files(session: Session, request_id: str) -> Sequence[DatasetFile]:
    """The files of a transform that failed, by id."""
    return session.scalars(select(DatasetFile).join(TransformResult, TransformResult.file_id == DatasetFile.id).where(
        TransformResult.request_id == request_id, TransformResult.transform_status == FAILURE).order_by(
        DatasetFile.id)).all()


def unreported(session: Session, transform: TransformRequest, after: int, through: int | None,
               limit: int) -> Sequence[DatasetFile]:
    """The next files of the transform's dataset on which it has no result, by id: beyond `after`, up to `through`."""
    reported = exists().where(TransformResult.request_id == transform.request_id,
                              TransformResult.file_id == DatasetFile.id)
    query = select(DatasetFile).where(DatasetFile.dataset_id == transform.did_id, DatasetFile.id > after, ~reported)
    if through is not None:
        query = query.where(DatasetFile.id <= through)
    return session.scalars(query.order_by(DatasetFile.id).limit(limit)).all()


def commonest_cause(session: Session, request_id: str) -> tuple[str, str, int] | None:
    """Error class and message that most files of the transform failed with, and how many; None if none failed."""
    count = func.count()
    row = session.execute(
        select(TransformResult.error_class, func.min(TransformResult.error_message), count)
        .where(TransformResult.request_id == request_id, TransformResult.transform_status == FAILURE)
        .group_by(TransformResult.error_class).order_by(count.desc()).limit(1)).one_or_none()
    return None if row is None else (row[0] or "", row[1] or "", row[2])
