"""The options of what leaves the server about accounts; they are options of the server like all others."""
import re
from email.utils import parseaddr
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

WEB_ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")
ORIGIN = re.compile(r"https?://[^/?#@\s]+")
# One address and no more: what separates several, or wraps one, is not in it.
MAIL_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")
DOMAIN = re.compile(r"[A-Za-z0-9.-]+")


class NoticeSettings(BaseSettings):
    """Slack, mail, and the accounts that are there from the beginning."""

    SIGNUP_WEBHOOK_URL: str = Field(
        "", repr=False, description="The address of a Slack app's incoming webhook: a message with buttons goes there "
                                    "for each sign-up. Empty: none does.")
    SLACK_SIGNING_SECRET: str = Field(
        "", repr=False, description="What that Slack app signs with when somebody uses a button. Empty: buttons do "
                                    "nothing.")
    SLACK_RESPONSE_URL: str = Field(
        "https://hooks.slack.com", description="Where answers to Slack go; one that shall go elsewhere is refused.")
    MAILGUN_API_KEY: str = Field(
        "", repr=False, description="With MAILGUN_DOMAIN: a welcome mail is sent through Mailgun when an account is "
                                    "approved.")
    MAILGUN_DOMAIN: str = Field("", description="The domain at Mailgun that mail is sent from.")
    MAILGUN_URL: str = Field(
        "https://api.mailgun.net", description="Mailgun's API: https://api.eu.mailgun.net for domains in Europe.")
    SMTP_URL: str = Field(
        "", repr=False, description="smtp://user:password@host:port or smtps://...: the welcome mail is sent through "
                                    "that server. smtp needs STARTTLS there, unless it is on this machine.")
    MAIL_FROM: str = Field(
        "", description="Whom mail is from: ServiceX <servicex@example.org>. Empty, with Mailgun: noreply at "
                        "MAILGUN_DOMAIN.")
    DOCS_BASE_URL: str = Field(
        "https://servicex.readthedocs.io/en/latest", description="The documentation that people are sent to.")
    DEFAULT_USERS_FILE: Path = Field(
        Path("/default_users/users.json"), description="A JSON file with accounts that are made at the start if they "
                                                       "are not there. It may be missing.")

    @field_validator("SIGNUP_WEBHOOK_URL", "DOCS_BASE_URL", "MAILGUN_URL")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        # The value stays out of the words: that of a webhook is a secret.
        if value and not WEB_ADDRESS.fullmatch(value):
            raise ValueError("must be an http:// or https:// address, without ? and #")
        return value.rstrip("/")

    @field_validator("SLACK_SIGNING_SECRET")
    @classmethod
    def _is_no_blank(cls, value: str) -> str:
        return value.strip()

    @field_validator("SLACK_RESPONSE_URL")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        if not ORIGIN.fullmatch(value.rstrip("/")):
            raise ValueError("must be like https://hooks.slack.com, without a path")
        return value.rstrip("/")

    @field_validator("MAILGUN_DOMAIN")
    @classmethod
    def _is_domain(cls, value: str) -> str:
        if value and not DOMAIN.fullmatch(value):
            raise ValueError("must be like mg.example.org")
        return value

    @field_validator("SMTP_URL")
    @classmethod
    def _is_mail_server(cls, value: str) -> str:
        if value and not _names_mail_server(value):
            raise ValueError("must be smtp://user:password@host:port or smtps://..., all ASCII, special characters in "
                             "the password as %XX")
        return value

    @field_validator("MAIL_FROM")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        if value and not (value.isprintable() and MAIL_ADDRESS.fullmatch(parseaddr(value)[1])):
            raise ValueError("must hold one mail address, in one line")
        return value

    @model_validator(mode="after")
    def _mail_has_one_way(self) -> Self:
        if self.SMTP_URL and self.MAILGUN_API_KEY and self.MAILGUN_DOMAIN:
            raise ValueError("mail goes through Mailgun or through SMTP_URL: set one of them")
        if self.SMTP_URL and not self.MAIL_FROM:
            raise ValueError("SMTP_URL needs MAIL_FROM")
        return self


def _names_mail_server(value: str) -> bool:
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    # Python's smtplib signs in with ASCII alone.
    plain = unquote(parts.username or "").isascii() and unquote(parts.password or "").isascii()
    return known and plain and parts.path in ("", "/") and not (parts.query or parts.fragment)
