"""What the controller remembers of each transform, apart from the transform's own row so that reports never wait."""
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, LargeBinary, String, Text, or_, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from servicex.models.base import Base, UtcDateTime, changed, now


class TransformControl(Base):
    """The controller's notes on one transform.

    `published_through` is the highest file id that was put into the work queue: all files up to it were, those beyond
    it were not. The lease says which controller is at work on it, and until when. `next_step_at` holds off a transform
    whose last step failed; `hurries` counts how often that was undone. `stalled_rounds` counts how often its work was
    published anew for want of any report.
    """

    __tablename__ = "transform_control"
    __table_args__ = (Index("ix_transform_control_open", "transform_id", sqlite_where=text("NOT torn_down"),
                            postgresql_where=text("NOT torn_down")),)

    transform_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    published_through: Mapped[int] = mapped_column(BigInteger, default=0)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stalled_rounds: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_step_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hurries: Mapped[int] = mapped_column(default=0, server_default="0")
    failed_steps: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    torn_down: Mapped[bool] = mapped_column(default=False)


class GeneratedProgram(Base):
    """The program made from a transform's selection, its files as a zip archive."""

    __tablename__ = "generated_programs"

    transform_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    archive: Mapped[bytes] = mapped_column(LargeBinary)


def free(owner: str) -> ColumnElement[bool]:
    """Whether the lease may be taken by this owner: it is free, over, or already theirs."""
    return or_(TransformControl.lease_owner.is_(None), TransformControl.lease_owner == owner,
               TransformControl.lease_until < now())


def claim(session: Session, transform_id: int, owner: str, until: datetime) -> bool:
    """Take the lease of a transform if it is free, over, or already the owner's; False if another one holds it."""
    return changed(session, update(TransformControl).where(
        TransformControl.transform_id == transform_id, free(owner)).values(lease_owner=owner, lease_until=until))


def note(session: Session, transform_id: int, owner: str, **values: object) -> bool:
    """Write the outcome of a step; False, and nothing written, if the lease was lost meanwhile."""
    return changed(session, update(TransformControl).where(
        TransformControl.transform_id == transform_id, TransformControl.lease_owner == owner).values(**values))


def schedule(session: Session, seen: TransformControl, owner: str, **values: object) -> None:
    """Write when the next step is due, if any; nothing if the transform was hurried since its notes were `seen`."""
    session.execute(update(TransformControl).where(
        TransformControl.transform_id == seen.transform_id, TransformControl.lease_owner == owner,
        TransformControl.hurries == seen.hurries).values(**values))


def hurry(session: Session, *transform_ids: int) -> None:
    """Have the controller look at the transforms again, and at once whatever held them off before."""
    session.execute(update(TransformControl).where(TransformControl.transform_id.in_(transform_ids)).values(
        next_step_at=None, failed_steps=0, torn_down=False, hurries=TransformControl.hurries + 1))
