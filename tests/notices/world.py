"""A server with accounts, Slack and Mailgun around it."""
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from werkzeug.test import TestResponse

from servicex import choices
from servicex.controller.loop import Wakeup
from servicex.controller.notices import NoticeSender
from servicex.models import Notice, User
from servicex.models.base import now
from servicex.services.notices import NoticeService
from tests.accounts.people import Site
from tests.notices.mail_servers import DOMAIN, KEY, MailgunStandIn
from tests.notices.slack_app import SECRET, WEBHOOK, Signed, SlackApp


class World:
    """The server, whose notices are sent when the test says so."""

    def __init__(self, site: Site, slack: SlackApp, mailgun: MailgunStandIn):
        self.site = site
        self.slack = slack
        self.mailgun = mailgun
        self.notices = NoticeService(site.parts.transactions)
        self.sender = self.new_sender()

    def new_sender(self) -> NoticeSender:
        """What another controller would have."""
        return NoticeSender(NoticeService(self.site.parts.transactions), choices.notifiers(self.site.parts.settings),
                            Wakeup(), 3600)

    def send(self) -> None:
        """One pass over what is due."""
        self.sender.pass_once()

    def send_again(self) -> None:
        """One pass, as if the pauses were over."""
        with self.site.parts.transactions.write() as session:
            session.execute(update(Notice).where(Notice.next_attempt_at.is_not(None)).values(next_attempt_at=now()))
        self.send()

    def rows(self) -> Sequence[Notice]:
        """All notices there are."""
        with self.site.parts.transactions.read() as session:
            return session.scalars(select(Notice).order_by(Notice.id)).all()

    def post(self, request: Signed, **headers: str) -> TestResponse:
        """Send a request to `/slack`."""
        return self.site.client.post("/slack", data=request.body, headers={**request.headers, **headers})

    def user(self, sub: str) -> User | None:
        """An account, as it is now."""
        found: User | None = self.site.parts.accounts.of_sub(sub)
        return found


@contextmanager
def world(folder: Path, database: str = "", **settings: Any) -> Iterator[World]:
    """A world on a database."""
    slack, mailgun = SlackApp(), MailgunStandIn()
    with slack.server, mailgun.server:
        site = Site(folder, **{
            "SQLALCHEMY_DATABASE_URI": database, "CONTROLLER_SECONDS": 3600.0,
            "SIGNUP_WEBHOOK_URL": slack.url + WEBHOOK,
            "SLACK_SIGNING_SECRET": SECRET, "SLACK_RESPONSE_URL": slack.url, "MAILGUN_URL": mailgun.server.url,
            "MAILGUN_DOMAIN": DOMAIN, "MAILGUN_API_KEY": KEY, "DOCS_BASE_URL": "https://docs.example.org/",
            **settings})
        try:
            yield World(site, slack, mailgun)
        finally:
            site.close()
