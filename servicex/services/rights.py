"""Whether those who were let in some time ago may still be: asked for many at once, with a fixed number of statements.
"""
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from servicex.models import ApiToken, SignIn, User
from servicex.models.base import now
from servicex.services.api_tokens import good


@dataclass(frozen=True)
class Proof:
    """By what somebody was let in: an account, a browser's sign-in or an API token, and until when that is good.

    Without an account it holds for ever: the server has none.
    """

    user_id: int | None = None
    admin: bool = False
    sign_in_id: int | None = None
    api_token_id: int | None = None
    expires_at: datetime | None = None


NO_ACCOUNTS = Proof()


def lost(session: Session, proofs: Collection[Proof]) -> set[Proof]:
    """Those of the proofs that are good no more."""
    asked = [proof for proof in proofs if proof.user_id is not None]
    if not asked:
        return set()
    users: dict[int | None, bool] = {user_id: bool(admin) for user_id, admin in session.execute(
        select(User.id, User.admin).where(User.id.in_({p.user_id for p in asked}), User.pending.is_not(True)))}
    sign_ins = {None, *session.scalars(select(SignIn.id).where(
        SignIn.id.in_({p.sign_in_id for p in asked if p.sign_in_id}), SignIn.expires_at > now()))}
    tokens = {None, *session.scalars(select(ApiToken.id).where(
        ApiToken.id.in_({p.api_token_id for p in asked if p.api_token_id}), good()))}
    return {p for p in asked if p.user_id not in users or p.sign_in_id not in sign_ins or p.api_token_id not in tokens
            or (p.admin and not users[p.user_id]) or (p.expires_at is not None and p.expires_at < now())}
