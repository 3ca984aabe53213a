"""People who may use the server."""
from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from servicex.models.base import Base, UtcDateTime, now


class User(Base):
    """A person with an account."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin: Mapped[bool | None] = mapped_column(default=False)
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    experiment: Mapped[str | None] = mapped_column(String(120))
    institution: Mapped[str | None] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    pending: Mapped[bool | None] = mapped_column(default=True)
    refresh_token: Mapped[str | None] = mapped_column(Text, unique=True)
    sub: Mapped[str] = mapped_column(String(120), unique=True, index=True)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
