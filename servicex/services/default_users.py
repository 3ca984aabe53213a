"""Accounts that are there from the beginning, as a file of who runs the server names them."""
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from servicex.errors import BadRequest
from servicex.models import ApiToken, User
from servicex.models.user import digest
from servicex.notice_settings import MAIL_ADDRESS
from servicex.services.accounts import AccountService, Profile
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions
from servicex.settings import InvalidSettings

log = logging.getLogger(__name__)
CALLER = Caller(user_id=None, admin=True, name="the file of default users")
TOKEN_NAME = "from the file of default users"
Words = Annotated[str, StringConstraints(max_length=120, strip_whitespace=True, pattern=r"^[^\x00-\x1f]*$")]


class DefaultUser(BaseModel):
    """An account in the file, as the server of 2024 has it. With a token it is approved."""

    sub: Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f]*$")]
    email: Annotated[str, StringConstraints(max_length=320, pattern=f"^{MAIL_ADDRESS.pattern}$")]
    name: Words
    institution: Words
    refresh_token: str | None


FILE = TypeAdapter(list[DefaultUser])


def read(path: Path) -> Sequence[DefaultUser]:
    """The accounts in a file; none if there is no file. Raises InvalidSettings, which names the entry at fault."""
    try:
        users = FILE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InvalidSettings(f"DEFAULT_USERS_FILE={path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise InvalidSettings(f"DEFAULT_USERS_FILE={path}: {_in_words(error)}") from error
    _check_unique(path, users)
    return users


def _in_words(error: ValidationError) -> str:
    """The first fault. What stands in the file is not shown: it holds tokens."""
    fault = error.errors(include_url=False, include_input=False)[0]
    if not fault["loc"]:
        return fault["msg"]
    entry, *field = fault["loc"]
    return f"entry {int(entry) + 1}: {'.'.join(map(str, field))}: {fault['msg']}"


def _check_unique(path: Path, users: Sequence[DefaultUser]) -> None:
    for field in ("sub", "email", "refresh_token"):
        values = Counter(str(getattr(user, field)).lower() for user in users if getattr(user, field))
        for number, user in enumerate(users, 1):
            if values[str(getattr(user, field)).lower()] > 1:
                raise InvalidSettings(f"DEFAULT_USERS_FILE={path}: entry {number}: another one has the same {field}")


class DefaultUsers:
    """Makes accounts unless they are there."""

    def __init__(self, transactions: Transactions, accounts: AccountService):
        self._transactions = transactions
        self._accounts = accounts

    def make(self, users: Sequence[DefaultUser]) -> None:
        """Make those of which neither the sub nor the address has an account; other accounts are left alone."""
        for user in users:
            try:
                self._make(user)
            except BadRequest:  # somebody else made it meanwhile, such as another server that starts
                log.info("the account of %s is there already", user.sub)

    def _make(self, wanted: DefaultUser) -> None:
        with self._transactions.write() as session:
            if _known(session, wanted):
                return
            if wanted.refresh_token:
                _check_owner(session, wanted.sub, wanted.refresh_token)
            user = self._accounts.add(session, CALLER, wanted.sub,
                                      Profile(wanted.name, wanted.email, wanted.institution),
                                      verified_email=wanted.email, approved=bool(wanted.refresh_token))
            if wanted.refresh_token:
                session.add(ApiToken(user_id=user.id, name=TOKEN_NAME, digest=digest(wanted.refresh_token)))
        log.info("made the account of %s", wanted.sub)


def _known(session: Session, wanted: DefaultUser) -> bool:
    return session.scalars(select(User.id).where(
        or_(User.sub == wanted.sub, User.verified_email == wanted.email.lower()))).first() is not None


def _check_owner(session: Session, sub: str, token: str) -> None:
    """Raise InvalidSettings if the token is known as another account's; this one's may have been made just now."""
    if session.scalars(select(User.id).join(ApiToken, ApiToken.user_id == User.id).where(
            ApiToken.digest == digest(token), User.sub != sub)).first() is not None:
        raise InvalidSettings(f"DEFAULT_USERS_FILE: the token of {sub} is that of another account.")
