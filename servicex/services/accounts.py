"""Accounts: people made known, approved, made administrators, removed."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from servicex.errors import BadRequest, NotFound
from servicex.models import TransformRequest, User
from servicex.models.base import now
from servicex.services.audit import Action, record
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions

ONLY_ADMIN = "This is the only administrator. Make somebody else one first."


class AccountNotices(Protocol):
    """Tells people outside of what happens to accounts. What is told is written down in the same transaction."""

    def signed_up(self, session: Session, user: User) -> None:
        """Somebody made an account that waits for approval."""

    def approved(self, session: Session, user: User) -> None:
        """An account was approved."""


@dataclass(frozen=True)
class Profile:
    """What people say of themselves."""

    name: str
    email: str
    institution: str = ""
    experiment: str = ""


class AccountService:
    """Use cases about accounts. `admin_email` is the address whose account is an administrator's from the beginning."""

    def __init__(self, transactions: Transactions, notices: AccountNotices, admin_email: str = ""):
        self._transactions = transactions
        self._notices = notices
        self._admin_email = admin_email.strip().lower()

    def create(self, caller: Caller, sub: str, profile: Profile, approved: bool = False) -> User:
        """A new account, made by somebody who knows that the identity and the address are this person's.

        With the right address the account is an administrator's, and approved. Raises BadRequest if there is an account
        of that identity or address.
        """
        with self._transactions.write() as session:
            return self.add(session, caller, sub, profile, verified_email=profile.email, approved=approved)

    def add(self, session: Session, caller: Caller, sub: str, profile: Profile, verified_email: str = "",
            approved: bool = False) -> User:
        """As `create`, within a transaction. Only a verified address makes an administrator."""
        verified = verified_email.strip().lower() or None
        admin = bool(self._admin_email) and verified == self._admin_email
        user = User(sub=sub, email=profile.email.strip(), verified_email=verified, name=profile.name,
                    institution=profile.institution, experiment=profile.experiment or None, admin=admin,
                    pending=not (admin or approved))
        session.add(user)
        try:
            session.flush()
        except IntegrityError as error:
            raise BadRequest(f"There is an account of {verified or sub} already. If it is yours, sign in with the "
                             "identity it was made with; this one can be linked to it on its profile page.") from error
        record(session, caller, Action.ACCOUNT_MADE, known_as(user))
        if user.pending:
            self._notices.signed_up(session, user)
        return user

    def all(self, pending: bool | None = None) -> Sequence[User]:
        """All accounts, or those that wait for approval, or those that do not; oldest first."""
        query = select(User).order_by(User.id)
        if pending is not None:
            query = query.where(User.pending.is_(True) if pending else User.pending.is_not(True))
        with self._transactions.read() as session:
            return session.scalars(query).all()

    def of_sub(self, sub: str) -> User | None:
        """The account of an identity, as it is now."""
        with self._transactions.read() as session:
            return session.scalars(select(User).where(User.sub == sub)).one_or_none()

    def change_profile(self, caller: Caller, user_id: int, profile: Profile) -> None:
        """Have an account say of its person what they want. What is verified stays. Raises NotFound."""
        with self._transactions.write() as session:
            user = _by_id(session, user_id)
            user.name, user.email = profile.name, profile.email.strip()
            user.institution, user.experiment = profile.institution, profile.experiment or None
            user.updated_at = now()
            record(session, caller, Action.PROFILE_CHANGED, known_as(user))

    def approve(self, caller: Caller, email: str) -> User:
        """Approve the account of a verified address. Raises NotFound."""
        with self._transactions.write() as session:
            user = session.scalars(select(User).where(User.verified_email == email.strip().lower())).one_or_none()
            if user is None:
                raise NotFound(f"No user registered with email: {email}")
            self._approve(session, caller, user)
        return user

    def approve_id(self, caller: Caller, user_id: int) -> User:
        """Approve the account with that number. Raises NotFound."""
        with self._transactions.write() as session:
            user = _by_id(session, user_id)
            self._approve(session, caller, user)
        return user

    def _approve(self, session: Session, caller: Caller, user: User) -> None:
        if not user.pending:
            return
        user.pending = False
        record(session, caller, Action.APPROVED, known_as(user))
        self._notices.approved(session, user)

    def set_admin(self, caller: Caller, user_id: int, admin: bool) -> User:
        """Make an account an administrator's, or not any more. Raises NotFound, and BadRequest for the last one."""
        with self._transactions.write() as session:
            user = _by_id(session, user_id)
            if not admin:
                _keep_one_admin(session, user)
            if bool(user.admin) != admin:
                user.admin = admin
                record(session, caller, Action.ADMIN_GRANTED if admin else Action.ADMIN_REVOKED, known_as(user))
        return user

    def reject(self, caller: Caller, email: str) -> None:
        """Remove the account of a verified address if it waits for approval. Raises NotFound."""
        with self._transactions.write() as session:
            user = session.scalars(select(User).where(
                User.verified_email == email.strip().lower(), User.pending.is_(True))).one_or_none()
            if user is None:
                raise NotFound(f"No user waits for approval with email: {email}")
            _remove(session, caller, Action.REJECTED, [user])

    def delete(self, caller: Caller, user_id: int) -> None:
        """Remove an account with its tokens; what they submitted stays. Raises NotFound, and BadRequest for the last
        administrator."""
        with self._transactions.write() as session:
            user = _by_id(session, user_id)
            _keep_one_admin(session, user)
            _remove(session, caller, Action.REJECTED if user.pending else Action.REMOVED, [user])

    def delete_pending(self, caller: Caller) -> int:
        """Remove the accounts that wait for approval; gives how many there were."""
        return self._delete_all(caller, Action.REJECTED, User.pending.is_(True), User.admin.is_not(True))

    def delete_all(self, caller: Caller) -> int:
        """Remove all accounts but those of administrators; gives how many there were."""
        return self._delete_all(caller, Action.REMOVED, User.admin.is_not(True))

    def _delete_all(self, caller: Caller, action: Action, *which: object) -> int:
        with self._transactions.write() as session:
            users = session.scalars(select(User).where(*which)).all()  # type: ignore[arg-type]
            _remove(session, caller, action, users)
        return len(users)


def known_as(user: User) -> str:
    """What an account is called in the audit log and in messages."""
    return f"{user.name} ({user.verified_email or user.sub})"


def _by_id(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"user {user_id} not found")
    return user


def _keep_one_admin(session: Session, user: User) -> None:
    # Locked, so that of two who take away each other's right one finds the other's gone.
    admins = session.scalars(select(User.id).where(User.admin.is_(True)).with_for_update()).all()
    if user.admin and set(admins) <= {user.id}:
        raise BadRequest(ONLY_ADMIN)


def _remove(session: Session, caller: Caller, action: Action, users: Sequence[User]) -> None:
    ids = [user.id for user in users]
    for user in users:
        record(session, caller, action, known_as(user))
    session.execute(update(TransformRequest).where(TransformRequest.submitted_by.in_(ids)).values(submitted_by=None))
    session.execute(delete(User).where(User.id.in_(ids)))
