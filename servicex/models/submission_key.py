"""The keys by which a submission that is sent again is known for the same."""
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from servicex.models.base import Base


class SubmissionKey(Base):
    """What a client called its submission, kept as long as the transform that came of it.

    `key` is a SHA-256 over the caller and their Idempotency-Key, `submission` one over what was submitted, both in hex.
    """

    __tablename__ = "submission_keys"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    submission: Mapped[str] = mapped_column(String(64))
    transform_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)


def find(session: Session, key: str) -> SubmissionKey | None:
    """The row of the key, if it was used before."""
    return session.scalars(select(SubmissionKey).where(SubmissionKey.key == key)).one_or_none()


def forget(session: Session, transform_id: int) -> None:
    """Free the key of a transform that is deleted."""
    session.execute(delete(SubmissionKey).where(SubmissionKey.transform_id == transform_id))
