"""People who may use the server, and the tokens that their programs show."""
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from servicex.models.base import Base, UtcDateTime, now


class User(Base):
    """A person with an account.

    `email` is what the person says it is. `verified_email` is known to be theirs: an identity provider said so, or who
    runs the server; rights hang on this one only. `sub` is the identity the account was made for, which tokens name.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin: Mapped[bool | None] = mapped_column(default=False)
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
    email: Mapped[str] = mapped_column(String(320))
    experiment: Mapped[str | None] = mapped_column(String(120))
    institution: Mapped[str | None] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    pending: Mapped[bool | None] = mapped_column(default=True)
    sub: Mapped[str] = mapped_column(String(320), unique=True, index=True)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=now)
    verified_email: Mapped[str | None] = mapped_column(String(320), unique=True)


class UserIdentity(Base):
    """An identity with which a person has signed in, or may: an account can have several."""

    __tablename__ = "user_identities"

    sub: Mapped[str] = mapped_column(String(320), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApiToken(Base):
    """A token by which a person's programs get access tokens. The token itself is shown once and not kept: `digest` is
    the SHA-256 of its text, in hexadecimal. It is good unless it was revoked or has expired."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def digest(token: str) -> str:
    """What is kept of a token. It is long and made by chance, so that nobody finds it by trying."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
