"""Transform requests, and the moves between their states."""
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Enum, ForeignKey, Index, String, Text, select, text, update
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from servicex.models.base import Base, UtcDateTime, changed, now


class TransformStatus(StrEnum):
    """The state of a transform, as the database has it; `text` is what clients and pages show."""

    SUBMITTED = "submitted"
    PENDING_LOOKUP = "pending_lookup"
    LOOKUP = "lookup"
    RUNNING = "running"
    COMPLETE = "complete"
    FATAL = "fatal"
    CANCELED = "canceled"
    BAD_DATASET = "bad_dataset"

    @property
    def text(self) -> str:
        return self.replace("_", " ").title()

    @property
    def terminal(self) -> bool:
        return self not in ACTIVE


ACTIVE = (TransformStatus.SUBMITTED, TransformStatus.PENDING_LOOKUP, TransformStatus.LOOKUP, TransformStatus.RUNNING)
LOOKING = (TransformStatus.SUBMITTED, TransformStatus.PENDING_LOOKUP, TransformStatus.LOOKUP)

# Every move there is: the state to go to, and those it may be reached from. Nothing leaves a terminal state.
MOVES: dict[TransformStatus, Sequence[TransformStatus]] = {
    TransformStatus.LOOKUP: (TransformStatus.SUBMITTED,),
    TransformStatus.RUNNING: LOOKING,
    TransformStatus.COMPLETE: ACTIVE,
    TransformStatus.FATAL: ACTIVE,
    TransformStatus.CANCELED: ACTIVE,
    TransformStatus.BAD_DATASET: LOOKING,
}


LISTED = {"listed": ("status", "id"), "listed_finish": ("status", "finish_time", "id"),
          "own": ("submitted_by", "status", "id"), "own_finish": ("submitted_by", "status", "finish_time", "id")}


class TransformRequest(Base):
    """What a physicist asked for, and how far it is.

    `files` follows the dataset while it is looked up. `last_result_at` is the `created_at` of the newest result:
    results are numbered by strictly increasing times, which clients page by. Times of files are in seconds.
    `retry_of` is the transform whose failed files this one is of.
    """

    __tablename__ = "requests"
    __table_args__ = (
        Index("ix_requests_did_id_status", "did_id", "status"),
        Index("ix_requests_submitted_by", "submitted_by"),
        Index("ix_requests_status", "status"),
        # What pages list: all transforms, or one's own, of each state, by id or by when they ended.
        *(Index(f"ix_requests_{name}", *columns, sqlite_where=text("deleted_at IS NULL"),
                postgresql_where=text("deleted_at IS NULL"))
          for name, columns in LISTED.items()),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(String(48), unique=True, index=True)
    title: Mapped[str | None] = mapped_column(Text)
    submit_time: Mapped[datetime] = mapped_column(UtcDateTime)
    finish_time: Mapped[datetime | None] = mapped_column(UtcDateTime)
    did: Mapped[str] = mapped_column(String(1024))
    did_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", name="datasets_requests_fkey"))
    selection: Mapped[str | None] = mapped_column(Text)
    tree_name: Mapped[str | None] = mapped_column(String(512))
    image: Mapped[str | None] = mapped_column(String(512))
    workers: Mapped[int | None]
    result_destination: Mapped[str] = mapped_column(String(32))
    result_format: Mapped[str] = mapped_column(String(32))
    submitted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", name="requests_submitted_by_fkey"))
    files: Mapped[int] = mapped_column(default=0)
    files_completed: Mapped[int] = mapped_column(default=0)
    files_failed: Mapped[int] = mapped_column(default=0)
    total_events: Mapped[int] = mapped_column(BigInteger, default=0)
    total_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    total_time: Mapped[float] = mapped_column(default=0.0)
    min_time: Mapped[float | None]
    max_time: Mapped[float | None]
    did_lookup_time: Mapped[int | None]
    generated_code_cm: Mapped[str | None] = mapped_column(String(128))
    status: Mapped[TransformStatus] = mapped_column(Enum(
        TransformStatus, name="transformstatus", values_callable=lambda states: [s.value for s in states]))
    failure_description: Mapped[str | None] = mapped_column(Text)
    app_version: Mapped[str | None] = mapped_column(String(64))
    code_gen_image: Mapped[str | None] = mapped_column(String(256))
    codegen: Mapped[str | None] = mapped_column(String(128))
    transformer_language: Mapped[str | None] = mapped_column(String(256))
    transformer_command: Mapped[str | None] = mapped_column(String(256))
    last_result_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_of: Mapped[int | None] = mapped_column(ForeignKey("requests.id", name="requests_retry_of_fkey"))

    @property
    def files_reported(self) -> int:
        return self.files_completed + self.files_failed

    @property
    def files_remaining(self) -> int | None:
        """Files without a result, or None as long as no file is known."""
        return self.files - self.files_reported if self.files else None


def find(session: Session, request_id: str) -> TransformRequest | None:
    """The transform of that request id, or of that number of a row, unless it was deleted."""
    if not (request_id.isascii() and request_id.isprintable()):
        return None
    key = TransformRequest.request_id == request_id
    if request_id.isdigit() and len(request_id) < 10:
        key = TransformRequest.id == int(request_id)
    return session.scalars(select(TransformRequest).where(key, TransformRequest.deleted_at.is_(None))).one_or_none()


def of_request_id(session: Session, request_id: str) -> TransformRequest | None:
    """The transform of just that request id, without its selection, unless it was deleted."""
    return session.scalars(select(TransformRequest).options(defer(TransformRequest.selection)).where(
        TransformRequest.request_id == request_id, TransformRequest.deleted_at.is_(None))).one_or_none()


def lock_all(session: Session, request_ids: Collection[str]) -> dict[str, TransformRequest]:
    """The transforms of these request ids that were not deleted, locked till the commit."""
    return {t.request_id: t for t in _locked(session, TransformRequest.request_id.in_(request_ids),
                                             TransformRequest.deleted_at.is_(None))}


def _locked(session: Session, *which: ColumnElement[bool]) -> Sequence[TransformRequest]:
    """Lock transforms, in the order of their rows: all who lock several do it here, so that none waits in a circle."""
    query = select(TransformRequest).options(defer(TransformRequest.selection)).where(*which)
    return session.scalars(query.order_by(TransformRequest.id).with_for_update().execution_options(
        populate_existing=True)).all()


def move(session: Session, transform_id: int, to: TransformStatus, **values: Any) -> bool:
    """Take the transform to another state if `MOVES` allows it from where it is now; False if not.

    The check is in the UPDATE, so of several who try at once one wins. A terminal state sets the finish time.
    """
    if to.terminal:
        values = {"finish_time": now(), **values}
    return changed(session, update(TransformRequest).where(
        TransformRequest.id == transform_id, TransformRequest.status.in_(MOVES[to])).values(status=to, **values))


def active_on(session: Session, dataset_id: int) -> Sequence[TransformRequest]:
    """The transforms of a dataset that have not ended, locked till the commit."""
    return _locked(session, TransformRequest.did_id == dataset_id, TransformRequest.status.in_(ACTIVE))
