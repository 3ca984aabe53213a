"""Mail servers on this machine: a stand-in for Mailgun, and a real one for SMTP."""
import ssl
from base64 import b64decode
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.stand_in import Reply, Request, StandIn

KEY, DOMAIN = "key-of-this-test", "mg.example.org"
USER, PASSWORD = "servicex", "p@ss:w%d"
FIELDS = {"from", "to", "cc", "bcc", "subject", "text", "html"}


class MailgunStandIn:
    """Takes mail as Mailgun's API does. `down` answers otherwise."""

    def __init__(self) -> None:
        self.mails: list[dict[str, str]] = []
        self.down: Reply | None = None
        self.server = StandIn(self._respond)

    def _respond(self, request: Request) -> Reply:
        if self.down:
            return self.down
        if not self._allowed(request.headers):
            return Reply(401, b"Forbidden")
        fields = parse_qsl(request.body.decode(), strict_parsing=True)
        mail = dict(fields)
        if not self._complete(request, mail) or len(mail) != len(fields):
            return Reply(400, b'{"message": "from parameter is missing"}')
        self.mails.append(mail)
        return Reply(200, b'{"id": "<1@mg.example.org>", "message": "Queued. Thank you."}')

    def _allowed(self, headers: Message) -> bool:
        scheme, _, code = headers["Authorization"].partition(" ")
        return scheme == "Basic" and b64decode(code).decode() == f"api:{KEY}"

    def _complete(self, request: Request, mail: dict[str, str]) -> bool:
        return (request.method == "POST" and request.path == f"/v3/{DOMAIN}/messages"
                and request.headers["Content-Type"] == "application/x-www-form-urlencoded"
                and {"from", "to", "subject"} <= set(mail) <= FIELDS and bool(mail.get("text") or mail.get("html")))


class AnyPort(Controller):
    """Listens on a free port, and knows which when it is started."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """A real SMTP server on the loopback address. With a certificate it offers STARTTLS and wants a password."""

    def __init__(self, certificate: Path | None = None):
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self._controller = AnyPort(self, "127.0.0.1", 0, **self._options(certificate))

    def _options(self, certificate: Path | None) -> dict[str, Any]:
        if certificate is None:
            return {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return {"tls_context": context, "require_starttls": True, "auth_required": True,
                "authenticator": self._authenticate}

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str,
                      given: LoginPassword) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.mails.append(BytesParser(policy=default).parsebytes(envelope.content))  # type: ignore[arg-type]
        return self.answer

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._controller.port

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._controller.stop()
