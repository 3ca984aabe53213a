"""Mail through Mailgun: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages"""
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from servicex.backends.notifier.base import Notifier
from servicex.backends.notifier.posting import post


class Mailgun(Notifier):
    """Sends mail from a domain at Mailgun. The content is `to`, `subject`, `text` and `html`."""

    def __init__(self, url: str, domain: str, key: str, sender: str):
        self._messages = f"{url}/v3/{domain}/messages"
        self._credentials = b64encode(f"api:{key}".encode()).decode()
        self._sender = sender

    def send(self, content: Mapping[str, Any]) -> None:
        fields = {"from": self._sender, **{name: content[name] for name in ("to", "subject", "text", "html")}}
        post(self._messages, urlencode(fields).encode(), {
            "Authorization": f"Basic {self._credentials}", "Content-Type": "application/x-www-form-urlencoded"})
