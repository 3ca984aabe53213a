"""Browsers in which somebody is signed in: who they are, which account is theirs."""
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from servicex.backends.identity.base import Identity
from servicex.errors import BadRequest, NotFound
from servicex.models import SignIn, User, UserIdentity
from servicex.models.base import now
from servicex.models.user import digest
from servicex.services.accounts import AccountService, Profile, known_as
from servicex.services.audit import Action, record
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions


@dataclass(frozen=True)
class AutoApproval:
    """Whom the server lets in without an administrator: `domains` of verified addresses, `groups` of a provider, each
    as `provider:group`."""

    domains: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def approves(self, identity: Identity) -> bool:
        """Whether the person behind the identity is let in."""
        domain = identity.verified_email.lower().rpartition("@")[2]
        mine = {f"{identity.provider}:{group}" for group in identity.groups}
        return bool(domain and domain in self.domains) or not mine.isdisjoint(self.groups)


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in in a browser, with their account as it is now if they have one."""

    id: int
    identity: Identity
    user: User | None

    def caller(self, address: str) -> Caller:
        """On whose behalf things are done from this browser."""
        user = self.user
        if user is None:
            return Caller(None, False, self.identity.verified_email or self.identity.sub, address)
        return Caller(user.id, bool(user.admin) and not user.pending, known_as(user), address)


class SignInService:
    """Use cases about signing in. A sign-in is good for `seconds`, or until somebody signs out."""

    def __init__(self, transactions: Transactions, accounts: AccountService, rules: AutoApproval, seconds: float):
        self._transactions = transactions
        self._accounts = accounts
        self._rules = rules
        self._lifetime = timedelta(seconds=seconds)

    def begin(self, identity: Identity, address: str) -> tuple[str, User | None]:
        """Sign somebody in; gives the key for their browser, and their account if they have one."""
        try:
            return self._begin(identity, address)
        except IntegrityError:  # they do so for the first time in another browser, too: now what that wrote is there
            return self._begin(identity, address)

    def _begin(self, identity: Identity, address: str) -> tuple[str, User | None]:
        key = secrets.token_urlsafe(32)
        with self._transactions.write() as session:
            user = _account_of(session, identity)
            caller = SignedIn(0, identity, user).caller(address)
            if user is not None:
                _note(session, user, identity)
                self._approve_by_rule(session, user, identity, caller)
            session.execute(delete(SignIn).where(SignIn.expires_at < now()))
            session.add(SignIn(digest=digest(key), user_id=user.id if user else None, expires_at=now() + self._lifetime,
                               identity=json.dumps(asdict(identity))))
            record(session, caller, Action.SIGNED_IN, identity.provider)
        return key, user

    def find(self, key: str) -> SignedIn | None:
        """Who is signed in in the browser with that key; None if nobody is, or not any more."""
        with self._transactions.read() as session:
            row = session.execute(select(SignIn, User).outerjoin(User, User.id == SignIn.user_id).where(
                SignIn.digest == digest(key), SignIn.expires_at > now())).one_or_none()
        return SignedIn(row.SignIn.id, _identity(row.SignIn), row.User) if row else None

    def end(self, signed_in: SignedIn, address: str) -> None:
        """Sign somebody out."""
        with self._transactions.write() as session:
            session.execute(delete(SignIn).where(SignIn.id == signed_in.id))
            record(session, signed_in.caller(address), Action.SIGNED_OUT, signed_in.identity.provider)

    def account_of(self, identity: Identity) -> User | None:
        """The account of an identity, as it is now. One that the rules let in gets an account here, if it is new."""
        user = self._known(identity)
        if user is not None or not self._rules.approves(identity):
            return user
        try:
            return self._new_account(identity)
        except BadRequest:  # of several programs that come at once one makes it
            return self._known(identity)

    def _known(self, identity: Identity) -> User | None:
        with self._transactions.read() as session:
            return _account_of(session, identity)

    def _new_account(self, identity: Identity) -> User:
        profile = Profile(identity.name or identity.sub, identity.verified_email or identity.email,
                          identity.institution)
        with self._transactions.write() as session:
            return self._add(session, identity, profile, Caller(None, False, identity.verified_email or identity.sub))

    def make_account(self, signed_in: SignedIn, profile: Profile, address: str) -> User:
        """The account of somebody who is signed in and has none. Raises BadRequest if the address has one."""
        with self._transactions.write() as session:
            user = self._add(session, signed_in.identity, profile, signed_in.caller(address))
            row = session.get(SignIn, signed_in.id)
            if row is not None:
                row.user_id = user.id
        return user

    def _add(self, session: Session, identity: Identity, profile: Profile, caller: Caller) -> User:
        user = self._accounts.add(session, caller, identity.sub, profile, identity.verified_email,
                                  self._rules.approves(identity))
        _note(session, user, identity)
        return user

    def link(self, signed_in: SignedIn, identity: Identity, address: str) -> None:
        """Have another identity sign in to the account as well. Raises BadRequest if it belongs to another account."""
        user = signed_in.user
        if user is None:
            raise BadRequest("There is no account yet that an identity could be linked to.")
        with self._transactions.write() as session:
            owner = _account_of(session, replace(identity, linked=()))
            if owner is not None and owner.id != user.id:
                raise BadRequest("That identity signs in to another account already.")
            _note(session, user, identity)
            record(session, signed_in.caller(address), Action.IDENTITY_LINKED, identity.sub)

    def unlink(self, signed_in: SignedIn, sub: str, address: str) -> None:
        """Have a linked identity not sign in to the account any more. Raises NotFound, also for the account's own."""
        user = signed_in.user
        with self._transactions.write() as session:
            row = session.get(UserIdentity, sub)
            if user is None or row is None or row.user_id != user.id or sub == user.sub:
                raise NotFound("There is no such identity that could be unlinked.")
            session.delete(row)
            record(session, signed_in.caller(address), Action.IDENTITY_UNLINKED, sub)

    def identities(self, user_id: int) -> Sequence[UserIdentity]:
        """The identities that have signed in to an account, oldest first."""
        with self._transactions.read() as session:
            return session.scalars(select(UserIdentity).where(UserIdentity.user_id == user_id).order_by(
                UserIdentity.created_at)).all()

    def _approve_by_rule(self, session: Session, user: User, identity: Identity, caller: Caller) -> None:
        if user.pending and self._rules.approves(identity):
            user.pending = False
            record(session, caller, Action.APPROVED, f"{known_as(user)} by rule")


def _account_of(session: Session, identity: Identity) -> User | None:
    """The account of an identity: one that it, or one linked to it by the provider, has signed in to or was made for;
    else the one that was made beforehand for its verified address."""
    subs = [identity.sub, *identity.linked]
    found = {user.sub: user for user in session.scalars(select(User).where(User.sub.in_(subs)))}
    rows = session.execute(select(UserIdentity.sub, User).join(User).where(UserIdentity.sub.in_(subs)))
    found.update({sub: user for sub, user in rows.all()})
    return _first(subs, found) or _made_beforehand(session, identity)


def _first(subs: Iterable[str], found: dict[str, User]) -> User | None:
    return next((found[sub] for sub in subs if sub in found), None)


def _made_beforehand(session: Session, identity: Identity) -> User | None:
    """An account of the verified address that nobody has signed in to yet: who runs the server made it for them."""
    if not identity.verified_email:
        return None
    return session.scalars(select(User).where(
        User.verified_email == identity.verified_email.lower(),
        ~select(UserIdentity).where(UserIdentity.user_id == User.id).exists())).one_or_none()


def _note(session: Session, user: User, identity: Identity) -> None:
    """Write down that the identity signs in to the account, and the address that is now known to be theirs."""
    row = session.get(UserIdentity, identity.sub)
    if row is None:
        row = UserIdentity(sub=identity.sub, user_id=user.id, provider=identity.provider, email=identity.email)
        session.add(row)
    row.last_sign_in_at = now()
    email = identity.verified_email.lower()
    if email and user.verified_email is None and not session.scalars(
            select(User.id).where(User.verified_email == email)).first():
        user.verified_email = email


def _identity(row: SignIn) -> Identity:
    values = json.loads(row.identity)
    return Identity(**{**values, "linked": tuple(values["linked"]), "groups": tuple(values["groups"])})
