"""API tokens: which are good, whose they are, and when they were last used."""
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from servicex.errors import NotFound
from servicex.models import ApiToken, User
from servicex.models.base import changed, now
from servicex.models.user import digest
from servicex.services.transactions import Transactions

# The time of the last use is written no more often than this.
USE_NOTED = timedelta(minutes=1)


class ApiTokenService:
    """Use cases about tokens. Only digests of them are kept."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def keep(self, user_id: int, token: str, name: str, expires_at: datetime | None = None) -> None:
        """Make a token known that was just made for a user."""
        with self._transactions.write() as session:
            session.add(ApiToken(user_id=user_id, name=name[:120], digest=digest(token), expires_at=expires_at))

    def owner(self, token: str) -> User | None:
        """Whose token it is; None if it is not good, or not any more. Its use is noted."""
        with self._transactions.read() as session:
            known = session.scalars(select(ApiToken).where(
                ApiToken.digest == digest(token), ApiToken.revoked_at.is_(None),
                or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now()))).one_or_none()
            user = session.get(User, known.user_id) if known else None
        if known is not None and (known.last_used_at is None or known.last_used_at < now() - USE_NOTED):
            self._note_use(known.id)
        return user

    def of_user(self, user_id: int) -> Sequence[ApiToken]:
        """The tokens of a user that were not revoked, oldest first."""
        with self._transactions.read() as session:
            return session.scalars(select(ApiToken).where(
                ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).order_by(ApiToken.id)).all()

    def revoke(self, user_id: int, token_id: int) -> None:
        """Have one of the user's tokens be good no more. Raises NotFound."""
        with self._transactions.write() as session:
            if not _revoke(session, user_id, token_id):
                raise NotFound(f"There is no token {token_id} of this user that could be revoked.")

    def _note_use(self, token_id: int) -> None:
        with self._transactions.write() as session:
            session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now()))


def _revoke(session: Session, user_id: int, token_id: int) -> bool:
    return changed(session, update(ApiToken).where(
        ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now()))
