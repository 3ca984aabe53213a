"""The audit log: who did what to whom or what, when, from where."""
from collections.abc import Sequence
from enum import Enum

from sqlalchemy import select
from sqlalchemy.orm import Session

from servicex.models import AuditEntry
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions

LONGEST = 320


class Action(Enum):
    """What is written down. The values are what people read."""

    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    ACCOUNT_MADE = "made the account"
    PROFILE_CHANGED = "changed the profile"
    APPROVED = "approved"
    REJECTED = "rejected"
    REMOVED = "removed the account"
    ADMIN_GRANTED = "made an administrator"
    ADMIN_REVOKED = "made no administrator any more"
    TOKEN_MADE = "made the token"
    TOKEN_REVOKED = "revoked the token"
    IDENTITY_LINKED = "linked the identity"
    IDENTITY_UNLINKED = "unlinked the identity"
    TRANSFORM_CANCELED = "canceled the transform"
    TRANSFORM_DELETED = "deleted the transform"
    DATASET_DELETED = "deleted the dataset"


def record(session: Session, caller: Caller, action: Action, subject: str) -> None:
    """Write down what is done in the same transaction."""
    session.add(AuditEntry(who=caller.name[:LONGEST], user_id=caller.user_id, action=action.value,
                           subject=subject[:LONGEST], address=caller.address[:64]))


class AuditLog:
    """Reads the log."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def entries(self, limit: int, before: int | None = None) -> Sequence[AuditEntry]:
        """The newest entries first, those older than the entry with the number `before` if one is given."""
        query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditEntry.id < before)
        with self._transactions.read() as session:
            return session.scalars(query).all()
