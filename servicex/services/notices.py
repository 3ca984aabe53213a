"""What is to be told outside: written down in the transaction of what it tells of, sent by the controller afterwards.

A notice arrives at least once: a server that dies between sending it and noting that sends it again.
"""
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, event, select, update
from sqlalchemy.orm import Session

from servicex.models import Notice, User
from servicex.models.base import changed, now
from servicex.notice_settings import MAIL_ADDRESS
from servicex.services import notice_texts
from servicex.services.transactions import Transactions

log = logging.getLogger(__name__)
SLACK, SLACK_REPLY, MAIL = "slack", "slack-reply", "mail"
# Whoever sends has so long; after that another one may take the notice for lost.
LEASE = timedelta(minutes=2)
# 15 s, 1 min, 4 min ... 17 h: the eighth attempt is made after a day.
ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=15)
GROWTH = 4
KEPT = timedelta(days=30)
DIED = "The server ended during the last attempt."


class Notices:
    """Writes down what is to be told of accounts, for those of the `channels` that there are.

    `wake` is called after the commit of what was written.
    """

    def __init__(self, channels: Collection[str] = (), docs_base_url: str = "",
                 wake: Callable[[], None] = lambda: None):
        self._channels = channels
        self._docs_base_url = docs_base_url
        self._wake = wake

    def signed_up(self, session: Session, user: User) -> None:
        """Somebody made an account that waits for approval."""
        self._write(session, SLACK, notice_texts.sign_up(user))

    def approved(self, session: Session, user: User) -> None:
        """An account was approved."""
        to = user.verified_email or user.email
        if MAIL_ADDRESS.fullmatch(to):
            self._write(session, MAIL, notice_texts.welcome(to, user.name, self._docs_base_url))

    def replied(self, session: Session, url: str, message: Mapping[str, Any]) -> None:
        """Somebody who used a button in Slack is answered."""
        self._write(session, SLACK_REPLY, {"url": url, "message": message})

    def _write(self, session: Session, channel: str, content: Mapping[str, Any]) -> None:
        if channel in self._channels:
            session.add(Notice(channel=channel, content=json.dumps(content)))
            event.listen(session, "after_commit", lambda _: self._wake(), once=True)


class NoticeService:
    """Hands out what is to be sent, to one sender at a time, and notes how it went."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def due(self, channel: str, most: int) -> Sequence[int]:
        """The ids of notices of a channel that are to be sent now."""
        with self._transactions.read() as session:
            return session.scalars(select(Notice.id).where(
                Notice.channel == channel, Notice.next_attempt_at <= now(), Notice.attempts < ATTEMPTS).order_by(
                Notice.next_attempt_at, Notice.id).limit(most)).all()

    def claim(self, notice_id: int) -> Notice | None:
        """Take a notice to send it; None if another sender has it, or it is done with."""
        with self._transactions.write() as session:
            taken = changed(session, update(Notice).where(
                Notice.id == notice_id, Notice.next_attempt_at <= now(), Notice.attempts < ATTEMPTS).values(
                attempts=Notice.attempts + 1, next_attempt_at=now() + LEASE))
            return session.get(Notice, notice_id) if taken else None

    def sent(self, notice: Notice) -> None:
        """Note that a claimed notice was sent."""
        self._note(notice, sent_at=now(), next_attempt_at=None, failure=None)

    def failed(self, notice: Notice, why: str, final: bool) -> None:
        """Note that it was not, and when it is tried again, if it is."""
        given_up = final or notice.attempts >= ATTEMPTS
        pause = FIRST_PAUSE * GROWTH ** (notice.attempts - 1)
        log.log(logging.ERROR if given_up else logging.WARNING, "notice %d (%s) could not be sent%s: %s", notice.id,
                notice.channel, ", and is given up" if given_up else f"; tried again after {pause}", why)
        self._note(notice, next_attempt_at=None if given_up else now() + pause, failure=why)

    def tidy(self) -> None:
        """Give up what the last attempt never came back from, and remove what is old."""
        with self._transactions.write() as session:
            lost = session.scalars(update(Notice).where(
                Notice.next_attempt_at <= now(), Notice.attempts >= ATTEMPTS).values(
                next_attempt_at=None, failure=DIED).returning(Notice.id)).all()
            session.execute(delete(Notice).where(Notice.created_at < now() - KEPT))
        for notice_id in lost:
            log.error("notice %d was given up: %s", notice_id, DIED)

    def _note(self, notice: Notice, **values: Any) -> None:
        # Not if the lease ran out and somebody else has it.
        with self._transactions.write() as session:
            session.execute(update(Notice).where(Notice.id == notice.id, Notice.attempts == notice.attempts).values(
                **values))
