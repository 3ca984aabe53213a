"""Accounts: people made known, approved, made administrators, removed."""
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from servicex.errors import BadRequest, NotFound
from servicex.models import TransformRequest, User
from servicex.services.transactions import Transactions


class AccountService:
    """Use cases about accounts. `admin_email` is the address whose account is an administrator's from the beginning."""

    def __init__(self, transactions: Transactions, admin_email: str = ""):
        self._transactions = transactions
        self._admin_email = admin_email.strip().lower()

    def create(self, sub: str, email: str, name: str, institution: str, approved: bool = False) -> User:
        """A new account. Raises BadRequest if there is one of that identity or address.

        The address must be known to be theirs: with the right one the account is an administrator's, and approved.
        """
        admin = bool(self._admin_email) and email.strip().lower() == self._admin_email
        user = User(sub=sub, email=email.strip(), name=name, institution=institution, admin=admin,
                    pending=not (admin or approved))
        try:
            with self._transactions.write() as session:
                session.add(user)
                session.flush()
        except IntegrityError as error:
            raise BadRequest(f"There is an account of {sub}, or of {email}, already.") from error
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

    def approve(self, email: str) -> User:
        """Approve the account of an address. Raises NotFound."""
        with self._transactions.write() as session:
            user = session.scalars(select(User).where(User.email == email.strip())).one_or_none()
            if user is None:
                raise NotFound(f"No user registered with email: {email}")
            user.pending = False
        return user

    def set_admin(self, sub: str, admin: bool) -> User:
        """Make an account an administrator's, or not any more. Raises NotFound, and BadRequest for the last one."""
        with self._transactions.write() as session:
            user = session.scalars(select(User).where(User.sub == sub)).one_or_none()
            if user is None:
                raise NotFound(f"User {sub} not found")
            if not admin:
                _keep_one_admin(session, user)
            user.admin = admin
        return user

    def delete(self, user_id: int) -> None:
        """Remove an account with its tokens; what they submitted stays. Raises NotFound, and BadRequest for the last
        administrator."""
        with self._transactions.write() as session:
            user = session.get(User, user_id)
            if user is None:
                raise NotFound(f"user {user_id} not found")
            _keep_one_admin(session, user)
            _remove(session, [user_id])

    def delete_pending(self) -> int:
        """Remove the accounts that wait for approval; gives how many there were."""
        return self._delete_all(User.pending.is_(True), User.admin.is_not(True))

    def delete_all(self) -> int:
        """Remove all accounts but those of administrators; gives how many there were."""
        return self._delete_all(User.admin.is_not(True))

    def _delete_all(self, *which: object) -> int:
        with self._transactions.write() as session:
            ids = session.scalars(select(User.id).where(*which)).all()  # type: ignore[arg-type]
            _remove(session, ids)
        return len(ids)


def _keep_one_admin(session: Session, user: User) -> None:
    others = session.scalar(select(func.count()).select_from(User).where(User.admin.is_(True), User.id != user.id))
    if user.admin and not others:
        raise BadRequest("This is the only administrator. Make somebody else one first.")


def _remove(session: Session, user_ids: Sequence[int]) -> None:
    session.execute(update(TransformRequest).where(TransformRequest.submitted_by.in_(user_ids)).values(
        submitted_by=None))
    session.execute(delete(User).where(User.id.in_(user_ids)))
