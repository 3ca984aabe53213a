"""Settings of Slack and mail that cannot be; none of what is secret is shown."""
from typing import Any

import pytest

from servicex import choices
from servicex.settings import InvalidSettings, load

WEBHOOK = "https://hooks.slack.com/services/T/B/hidden"
SMTP = {"SMTP_URL": "smtp://user:hidden@mail.example.org", "MAIL_FROM": "ServiceX <servicex@example.org>"}
MAILGUN = {"MAILGUN_API_KEY": "hidden", "MAILGUN_DOMAIN": "mg.example.org"}


@pytest.mark.parametrize("values, words", [
    ({"SIGNUP_WEBHOOK_URL": "hooks.slack.com/hidden"}, "SIGNUP_WEBHOOK_URL"),
    ({"SIGNUP_WEBHOOK_URL": WEBHOOK + "?x"}, "SIGNUP_WEBHOOK_URL"),
    ({"SIGNUP_WEBHOOK_URL": "file:///hidden"}, "SIGNUP_WEBHOOK_URL"),
    ({"SLACK_RESPONSE_URL": "https://hooks.slack.com/x"}, "SLACK_RESPONSE_URL"),
    ({"SLACK_RESPONSE_URL": ""}, "SLACK_RESPONSE_URL"),
    ({"DOCS_BASE_URL": "javascript:alert(1)"}, "DOCS_BASE_URL"),
    ({"MAILGUN_DOMAIN": "a/../b"}, "MAILGUN_DOMAIN"), ({"MAILGUN_URL": "api.mailgun.net"}, "MAILGUN_URL"),
    ({**SMTP, "MAIL_FROM": ""}, "needs MAIL_FROM"), ({**SMTP, **MAILGUN}, "set one of them"),
    ({**SMTP, "MAIL_FROM": "a@b.c\nBcc: x@y.z"}, "MAIL_FROM"), ({**SMTP, "MAIL_FROM": "nobody"}, "MAIL_FROM"),
    *(({**SMTP, "SMTP_URL": url}, "SMTP_URL") for url in (
        "http://hidden", "smtp://", "smtp://h:port", "smtp://h/hidden", "smtp://h?hidden", "smtp://u:hidd%C3%A9n@h"))])
def test_what_cannot_be_is_said(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words) as caught:
        load(**values)
    assert "hidden" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    secrets = {"SIGNUP_WEBHOOK_URL": WEBHOOK, "SLACK_SIGNING_SECRET": "hidden"}
    assert "hidden" not in repr(load(**secrets, **SMTP)) + repr(load(**secrets, **MAILGUN))


@pytest.mark.parametrize("values, channels", [
    ({}, set()), (SMTP, {"mail"}), (MAILGUN, {"mail"}), ({"MAILGUN_API_KEY": "key"}, set()),
    ({"SIGNUP_WEBHOOK_URL": WEBHOOK}, {"slack"}), ({"SLACK_SIGNING_SECRET": "x"}, {"slack-reply"}),
    ({"SLACK_SIGNING_SECRET": " \n"}, set())])
def test_channels_are_those_that_are_configured(values: dict[str, Any], channels: set[str]) -> None:
    assert set(choices.notifiers(load(**values))) == channels
