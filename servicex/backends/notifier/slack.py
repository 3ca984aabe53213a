"""Messages to Slack: through an incoming webhook, and as answers to those who used a button.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/interactivity/handling-user-interaction
"""
import json
from collections.abc import Mapping
from typing import Any

from servicex.backends.notifier.base import Notifier
from servicex.backends.notifier.posting import post


class SlackWebhook(Notifier):
    """Posts messages to the channel of a webhook. The content is the message."""

    def __init__(self, url: str):
        self._url = url

    def send(self, content: Mapping[str, Any]) -> None:
        _post_message(self._url, content)


class SlackReplies(Notifier):
    """Posts the `message` in the content to the `url` in it, which was checked when it came."""

    def send(self, content: Mapping[str, Any]) -> None:
        _post_message(content["url"], content["message"])


def _post_message(url: str, message: Mapping[str, Any]) -> None:
    post(url, json.dumps(message).encode(), {"Content-Type": "application/json"})
