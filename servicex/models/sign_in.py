"""Browsers in which somebody has signed in, and programs that wait for somebody to let them in."""
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from servicex.models.base import Base, UtcDateTime, now


class SignIn(Base):
    """A browser in which an identity has signed in. The key in its cookie is not kept: `digest` is the SHA-256 of it.

    `identity` is what the identity provider said, as JSON. As long as the person has no account, `user_id` is NULL.
    """

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    identity: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class DeviceCode(Base):
    """A program without a browser that waits for a person to let it in (RFC 8628).

    `digest` is the SHA-256 of the code that the program asks with, `user_code` what the person types in, `name` what
    the program calls itself. `user_id` is who let it in; `denied` is set if they did not want to.
    """

    __tablename__ = "device_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    user_code: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    denied: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    polled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
