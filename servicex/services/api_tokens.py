"""API tokens: which are good, whose they are, and when they were last used."""
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from servicex.errors import BadRequest, NotFound
from servicex.models import ApiToken
from servicex.models.base import changed, now
from servicex.models.user import digest
from servicex.services.audit import Action, record
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions

# The time of the last use is written no more often than this.
USE_NOTED = timedelta(minutes=1)
MOST_TOKENS = 100


class ApiTokenService:
    """Use cases about tokens. Only digests of them are kept."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def keep(self, caller: Caller, user_id: int, token: str, name: str, expires_at: datetime | None = None) -> None:
        """Make a token known that was just made for a user. Raises BadRequest if they have very many."""
        with self._transactions.write() as session:
            count = session.scalar(select(func.count(ApiToken.id)).where(ApiToken.user_id == user_id, good())) or 0
            if count >= MOST_TOKENS:
                raise BadRequest(f"There are {MOST_TOKENS} tokens already. Please revoke those that are not used.")
            session.add(ApiToken(user_id=user_id, name=name[:120], digest=digest(token), expires_at=expires_at))
            record(session, caller, Action.TOKEN_MADE, name)

    def known(self, token: str) -> ApiToken | None:
        """What is known of a token; None if it is not good, or not any more. Its use is noted."""
        with self._transactions.read() as session:
            known = session.scalars(select(ApiToken).where(ApiToken.digest == digest(token), good())).one_or_none()
        if known is not None and (known.last_used_at is None or known.last_used_at < now() - USE_NOTED):
            self._note_use(known.id)
        return known

    def is_good(self, token_id: int) -> bool:
        """Whether the token with that number has neither been revoked nor expired."""
        with self._transactions.read() as session:
            return session.scalar(select(ApiToken.id).where(ApiToken.id == token_id, good())) is not None

    def of_user(self, user_id: int) -> Sequence[ApiToken]:
        """The tokens of a user that were not revoked, oldest first."""
        with self._transactions.read() as session:
            return session.scalars(select(ApiToken).where(
                ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).order_by(ApiToken.id)).all()

    def revoke(self, caller: Caller, user_id: int, token_id: int) -> None:
        """Have one of the user's tokens be good no more. Raises NotFound."""
        with self._transactions.write() as session:
            if not _revoke(session, user_id, token_id):
                raise NotFound(f"There is no token {token_id} of this user that could be revoked.")
            revoked = session.get_one(ApiToken, token_id)
            record(session, caller, Action.TOKEN_REVOKED, revoked.name)

    def _note_use(self, token_id: int) -> None:
        with self._transactions.write() as session:
            session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now()))


def good() -> ColumnElement[bool]:
    """Whether a token has neither been revoked nor expired."""
    return and_(ApiToken.revoked_at.is_(None), or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now()))


def _revoke(session: Session, user_id: int, token_id: int) -> bool:
    return changed(session, update(ApiToken).where(
        ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now()))
