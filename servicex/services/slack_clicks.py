"""What people decide by the buttons of messages in Slack."""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from servicex.errors import BadRequest, NotFound
from servicex.services import notice_texts
from servicex.services.accounts import AccountService
from servicex.services.caller import Caller
from servicex.services.notices import Notices
from servicex.services.transactions import Transactions


@dataclass(frozen=True)
class Click:
    """The use of a button. `shown` is the first block of the message it is in, `reply_url` where an answer goes."""

    action: str
    email: str
    slack_id: str
    slack_name: str
    shown: dict[str, Any]
    reply_url: str


class SlackClicks:
    """Approves and rejects by click. Replies go to `reply_origin` and nowhere else."""

    def __init__(self, transactions: Transactions, accounts: AccountService, notices: Notices, reply_origin: str):
        self._transactions = transactions
        self._notices = notices
        self._reply_origin = reply_origin
        self._actions: dict[str, tuple[Callable[[Caller, str], object], str]] = {
            notice_texts.APPROVE: (accounts.approve, "Approved"), notice_texts.REJECT: (accounts.reject, "Denied")}

    def decide(self, click: Click, address: str) -> None:
        """Do what was clicked, and have the reply sent; other buttons do nothing. Again it changes nothing more.

        Raises BadRequest if the reply would go elsewhere, and NotFound if there is no such account (any more), which is
        replied, too.
        """
        if not click.reply_url.startswith(f"{self._reply_origin}/"):
            raise BadRequest("That is no address of Slack to reply to.")
        if click.action not in self._actions:
            return
        act, word = self._actions[click.action]
        try:
            act(Caller(None, admin=True, name=f"slack:{click.slack_id} ({click.slack_name})", address=address),
                click.email)
        except NotFound as error:
            self._reply(click, notice_texts.only_for_you(error.message))
            raise
        self._reply(click, notice_texts.decided(click.shown, word, click.slack_id))

    def _reply(self, click: Click, message: notice_texts.Message) -> None:
        with self._transactions.write() as session:
            self._notices.replied(session, click.reply_url, message)
