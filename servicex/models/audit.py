"""What was done by whom, from where: for whoever has to find out later."""
from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from servicex.models.base import Base, UtcDateTime, now


class AuditEntry(Base):
    """One thing that was done. It outlives the account it tells of, so `user_id` refers to nothing."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    who: Mapped[str] = mapped_column(String(320))
    user_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(320))
    address: Mapped[str] = mapped_column(String(64))
