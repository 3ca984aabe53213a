"""Programs without a browser that a person lets in from one (RFC 8628)."""
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from servicex.errors import BadRequest, NotFound
from servicex.models import DeviceCode, User
from servicex.models.base import changed, now
from servicex.models.user import digest
from servicex.services.transactions import Transactions

# For how long a program waits, and how often it may ask, in seconds.
LIFETIME = 900
INTERVAL = 5
# No vowels, so that no words come out, and nothing that is read for something else (RFC 8628, 6.1).
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
# Above so many that wait, no more are taken: they cost a row each, and anybody can ask.
MOST_WAITING = 1000


class Refusal(Enum):
    """Why a program gets no token, in the words of RFC 8628."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"


@dataclass(frozen=True)
class Codes:
    """What the program asks with, and what the person types in."""

    device_code: str
    user_code: str


class DeviceCodeService:
    """Use cases about such programs."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def begin(self, name: str) -> Codes:
        """New codes for a program that calls itself by that name. Raises BadRequest when too many wait."""
        codes = Codes(secrets.token_urlsafe(32), "".join(secrets.choice(LETTERS) for _ in range(LENGTH)))
        with self._transactions.write() as session:
            session.execute(delete(DeviceCode).where(DeviceCode.expires_at < now()))
            if (session.scalar(select(func.count(DeviceCode.id))) or 0) >= MOST_WAITING:
                raise BadRequest("Too many programs wait to be let in. Please try again in a quarter of an hour.")
            session.add(DeviceCode(digest=digest(codes.device_code), user_code=codes.user_code, name=name[:120],
                                   expires_at=now() + timedelta(seconds=LIFETIME)))
        return codes

    def waiting(self, user_code: str) -> DeviceCode:
        """The program that waits with that code. Raises NotFound."""
        with self._transactions.read() as session:
            return _waiting(session, user_code)

    def answer(self, user_code: str, user_id: int, let_in: bool) -> None:
        """Let the program in on behalf of that person, or not. Raises NotFound."""
        with self._transactions.write() as session:
            code = _waiting(session, user_code)
            code.user_id, code.denied = user_id, not let_in

    def claim(self, device_code: str) -> User | Refusal:
        """Who has let the program in, once; or why there is nobody."""
        with self._transactions.write() as session:
            code = session.scalars(select(DeviceCode).with_for_update().where(
                DeviceCode.digest == digest(device_code), DeviceCode.expires_at > now())).one_or_none()
            if code is None:
                return Refusal.EXPIRED
            if code.user_id is None:
                return _poll(session, code)
            session.delete(code)
            user = session.get(User, code.user_id)
            return Refusal.DENIED if code.denied or user is None else user


def _poll(session: Session, code: DeviceCode) -> Refusal:
    """Note that the program has asked; it is told to slow down if that was too soon."""
    earliest = now() - timedelta(seconds=INTERVAL - 1)
    in_time = changed(session, update(DeviceCode).where(
        DeviceCode.id == code.id, (DeviceCode.polled_at.is_(None)) | (DeviceCode.polled_at <= earliest)
    ).values(polled_at=now()))
    return Refusal.PENDING if in_time else Refusal.SLOW_DOWN


def _waiting(session: Session, user_code: str) -> DeviceCode:
    typed = "".join(letter for letter in user_code.upper() if letter in LETTERS)
    code = session.scalars(select(DeviceCode).where(
        DeviceCode.user_code == typed, DeviceCode.expires_at > now(), DeviceCode.user_id.is_(None))).one_or_none()
    if code is None:
        raise NotFound("No program waits with that code. It may have expired; have the program show a new one.")
    return code
