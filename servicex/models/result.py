"""Results of transforms, one a file, and what happened to the files on the way."""
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from servicex.models.base import Base, UtcDateTime, now

SUCCESS = "success"
FAILURE = "failure"
ROWS_AT_ONCE = 1000


class TransformResult(Base):
    """The final word on one file of a transform. Sizes are in bytes, `transform_time` in seconds."""

    __tablename__ = "transform_result"
    __table_args__ = (
        UniqueConstraint("request_id", "file_id", name="transform_result_request_id_file_id_key"),
        UniqueConstraint("request_id", "s3_object_name", name="transform_result_request_id_s3_object_name_key"),
        Index("ix_transform_result_request_id_created_at", "request_id", "created_at"),
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

    `info` holds the error and the first 2048 characters of the stack trace, `pod_name` where it happened.
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


def since(session: Session, request_id: str, later_than: datetime | None,
          limit: int | None) -> Iterator[TransformResult]:
    """The results of a transform from a time on, that time included, oldest first."""
    query = select(TransformResult).where(TransformResult.request_id == request_id)
    if later_than is not None:
        query = query.where(TransformResult.created_at >= later_than)
    query = query.order_by(TransformResult.created_at).limit(limit)
    yield from session.scalars(query.execution_options(yield_per=ROWS_AT_ONCE))


def failures(session: Session, request_id: str, limit: int | None) -> Sequence[TransformResult]:
    """The files of a transform that failed, oldest first."""
    query = select(TransformResult).where(
        TransformResult.request_id == request_id, TransformResult.transform_status == FAILURE)
    return session.scalars(query.order_by(TransformResult.created_at).limit(limit)).all()


def commonest_cause(session: Session, request_id: str) -> tuple[str, str, int] | None:
    """Error class and message that most files of the transform failed with, and how many; None if none failed."""
    count = func.count()
    row = session.execute(
        select(TransformResult.error_class, func.min(TransformResult.error_message), count)
        .where(TransformResult.request_id == request_id, TransformResult.transform_status == FAILURE)
        .group_by(TransformResult.error_class).order_by(count.desc()).limit(1)).one_or_none()
    return None if row is None else (row[0] or "", row[1] or "", row[2])


def slowest(session: Session, request_id: str) -> float:
    """Seconds the slowest file of the transform took so far; 0 if none is done."""
    return session.scalar(select(func.max(TransformResult.transform_time)).where(
        TransformResult.request_id == request_id)) or 0.0
