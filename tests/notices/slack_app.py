"""A stand-in for Slack: it takes messages as the real one does, and signs what it sends."""
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.stand_in import Reply, Request, StandIn

SECRET = "what the app of this test signs with"
WEBHOOK = "/services/T000/B000/secretOfTheWebhook"
LONGEST_TEXT, LONGEST_LABEL, LONGEST_VALUE, LONGEST_ACTION = 3000, 75, 2000, 255
ELEMENTS = {"mrkdwn", "plain_text"}


@dataclass(frozen=True)
class Signed:
    """A request of Slack's."""

    body: bytes
    headers: dict[str, str]


class SlackApp:
    """A workspace with an app. `messages` came by its webhook, `replies` to response URLs; `down` is another answer."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []
        self.arrived = threading.Event()
        self.down: Reply | None = None
        self.hangs = False
        self.server = StandIn(self._respond)

    @property
    def url(self) -> str:
        """The origin of all its addresses."""
        return self.server.url

    def _respond(self, request: Request) -> Reply | None:
        if self.hangs or self.down:
            self.arrived.set()
            return None if self.hangs else self.down
        try:
            self._take(request)
        except AssertionError as fault:
            return Reply(400, f"invalid_blocks: {fault}".encode())
        self.arrived.set()
        return Reply(200, b"ok")

    def _take(self, request: Request) -> None:
        assert request.method == "POST" and request.headers["Content-Type"] == "application/json"
        message = json.loads(request.body)
        if request.path == WEBHOOK:
            assert isinstance(message.get("text"), str), "no_text"
            check_blocks(message["blocks"])
            self.messages.append(message)
        else:
            assert request.path.startswith("/actions/"), "no such hook"
            check_reply(message)
            self.replies.append(message)

    def click(self, action: str, email: str, message: Mapping[str, Any] | None = None, **changes: Any) -> Signed:
        """Somebody uses a button of a message."""
        payload = {
            "type": "block_actions", "user": {"id": "U012AB3CD", "username": "ada", "name": "ada", "team_id": "T000"},
            "api_app_id": "A000", "token": "deprecated", "trigger_id": "1.2.3",
            "container": {"type": "message", "message_ts": "1.2", "channel_id": "C000", "is_ephemeral": False},
            "team": {"id": "T000", "domain": "physics"}, "channel": {"id": "C000", "name": "signups"},
            "message": message or {"type": "message", "text": "New signup", "blocks": [
                {"type": "section", "block_id": "a", "text": {"type": "mrkdwn", "text": "New signup from somebody"}}]},
            "response_url": f"{self.url}/actions/T000/1/abc",
            "actions": [{"action_id": action, "block_id": "b", "value": email, "type": "button", "style": "primary",
                         "text": {"type": "plain_text", "text": "Approve"}, "action_ts": "1.2"}]}
        return signed(urlencode({"payload": json.dumps({**payload, **changes})}).encode())


def signed(body: bytes, at: float | None = None, secret: str = SECRET) -> Signed:
    """A body as Slack sends it: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    stamp = str(int(time.time() if at is None else at))
    code = hmac.digest(secret.encode(), b"v0:" + stamp.encode() + b":" + body, "sha256").hex()
    return Signed(body, {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={code}",
                         "Content-Type": "application/x-www-form-urlencoded"})


def check_reply(message: Mapping[str, Any]) -> None:
    """A reply has a text, or blocks."""
    assert message.get("text") or message.get("blocks"), "no_text"
    assert isinstance(message["replace_original"], bool)
    assert message.get("response_type", "in_channel") in ("in_channel", "ephemeral")
    check_blocks(message.get("blocks", []))


def check_blocks(blocks: Any) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks, as far as we use them."""
    assert isinstance(blocks, list) and len(blocks) <= 50
    for block in blocks:
        {"section": check_section, "actions": check_actions, "context": check_context}[block["type"]](block)


def check_section(block: Mapping[str, Any]) -> None:
    assert set(block) <= {"type", "text", "block_id"}
    check_text(block["text"], LONGEST_TEXT)


def check_context(block: Mapping[str, Any]) -> None:
    assert set(block) == {"type", "elements"} and 1 <= len(block["elements"]) <= 10
    for element in block["elements"]:
        check_text(element, LONGEST_TEXT)


def check_actions(block: Mapping[str, Any]) -> None:
    assert set(block) == {"type", "elements"} and 1 <= len(block["elements"]) <= 25
    assert len({element["action_id"] for element in block["elements"]}) == len(block["elements"])
    for element in block["elements"]:
        check_button(element)


def check_button(element: Mapping[str, Any]) -> None:
    assert set(element) == {"type", "text", "style", "action_id", "value"} and element["type"] == "button"
    assert element["text"]["type"] == "plain_text" and element["style"] in ("primary", "danger")
    check_text(element["text"], LONGEST_LABEL)
    assert len(element["value"]) <= LONGEST_VALUE and len(element["action_id"]) <= LONGEST_ACTION


def check_text(text: Mapping[str, Any], longest: int) -> None:
    assert text["type"] in ELEMENTS and 1 <= len(text["text"]) <= longest
    assert set(text) <= ({"type", "text", "verbatim"} if text["type"] == "mrkdwn" else {"type", "text", "emoji"})
