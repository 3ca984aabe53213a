"""What notices say. Whatever comes from people is escaped for where it is shown."""
from html import escape
from typing import Any

from servicex.models import User

APPROVE, REJECT = "accept_user", "reject_user"
SUBJECT = "Welcome to ServiceX!"
Message = dict[str, Any]


def sign_up(user: User) -> Message:
    """The message to Slack about somebody who waits for approval, with buttons if their address is verified."""
    if user.verified_email is None:
        return _sign_up_without_buttons(user)
    email = mrkdwn(user.verified_email)
    buttons = [_button("Approve", "primary", APPROVE, user.verified_email),
               _button("Reject", "danger", REJECT, user.verified_email)]
    return {"blocks": [_section(f"New signup from {email}"), {"type": "actions", "elements": buttons}],
            "text": f"New signup from {email}."}


def _sign_up_without_buttons(user: User) -> Message:
    text = (f"New signup from {mrkdwn(user.name)}, who gives the address {mrkdwn(user.email)}. Nobody vouches for it, "
            "so they have to be approved on the page for administrators.")
    # Verbatim, so that a name that is an address of the web is no link.
    return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}], "text": text}


def decided(shown: Message, word: str, slack_id: str) -> Message:
    """What takes the place of that message: its first block, and who decided what."""
    who = {"type": "context", "elements": [{"type": "mrkdwn", "text": f"{word} by <@{slack_id}>"}]}
    return {"blocks": [shown, who], "replace_original": True}


def only_for_you(text: str) -> Message:
    """A message to the one who used a button."""
    return {"response_type": "ephemeral", "replace_original": False, "text": mrkdwn(text)}


def welcome(to: str, name: str, docs_base_url: str) -> Message:
    """The mail to somebody who was approved."""
    start = f"{docs_base_url}/user/getting-started/"
    return {"to": to, "subject": SUBJECT, "text": _welcome_text(_one_line(name), start),
            "html": _welcome_html(escape(_one_line(name)), escape(start))}


def _welcome_text(name: str, start: str) -> str:
    return (f"Hello {name},\n\nyour ServiceX account has been approved: you can submit transforms now.\n"
            f"How to begin: {start}\n")


def _welcome_html(name: str, start: str) -> str:
    return (f'<!DOCTYPE html>\n<html lang="en"><body><p>Hello {name},</p>\n'
            "<p>your ServiceX account has been approved: you can submit transforms now.</p>\n"
            f'<p>How to begin: <a href="{start}">{start}</a></p></body></html>\n')


def mrkdwn(text: str) -> str:
    """Text that Slack shows as it is: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return _one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _section(text: str) -> Message:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _button(label: str, style: str, action: str, value: str) -> Message:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "style": style, "action_id": action,
            "value": value}
