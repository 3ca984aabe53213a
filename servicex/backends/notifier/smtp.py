"""Mail through an SMTP server (RFC 5321), encrypted unless it is on this machine."""
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from servicex.backends.bounded_http import is_loopback
from servicex.backends.notifier.base import Notifier, NotSent, Refused

# For each piece of an answer; there are at most ten answers.
SECONDS = 5.0
SUBMISSION_PORT = 587
FINAL = 500


class Smtp(Notifier):
    """Sends mail through the server of an smtp:// or smtps:// URL. The content is `to`, `subject`, `text`, `html`."""

    def __init__(self, url: str, sender: str):
        self._server = urlsplit(url)
        self._host = self._server.hostname or ""
        self._sender = sender

    def send(self, content: Mapping[str, Any]) -> None:
        try:
            message = self._message(content)
        except ValueError as error:
            raise Refused(f"that is no mail: {error}") from error
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise _failure(code, words) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"the mail server {self._host} failed: {error or type(error).__name__}") from error

    def _message(self, content: Mapping[str, Any]) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, content["to"], content["subject"]
        # With the sender's domain: the name of this machine is nobody's business.
        domain = parseaddr(self._sender)[1].rpartition("@")[2]
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=domain)
        message.set_content(content["text"])
        message.add_alternative(content["html"], subtype="html")
        return message

    def _connected(self) -> smtplib.SMTP:
        if self._server.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._server.port or smtplib.SMTP_SSL_PORT,
                                                    timeout=SECONDS, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(self._host, self._server.port or SUBMISSION_PORT, timeout=SECONDS)
        try:
            self._prepare(server)
        except BaseException:
            server.close()
            raise
        return server

    def _prepare(self, server: smtplib.SMTP) -> None:
        if self._server.scheme == "smtp" and not is_loopback(self._host):
            server.starttls(context=ssl.create_default_context())
        if self._server.username:
            server.login(unquote(self._server.username), unquote(self._server.password or ""))


def _failure(code: int, words: bytes | str) -> NotSent:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    said = f"the mail server answered {code}: {' '.join(text.split())[:200]}"
    return Refused(said) if code >= FINAL else NotSent(said)
