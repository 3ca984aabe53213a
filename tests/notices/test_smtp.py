"""Mail through a real SMTP server."""
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from servicex.backends.notifier import smtp
from servicex.backends.notifier.base import NotSent, Refused
from servicex.backends.notifier.smtp import Smtp
from servicex.services.caller import COMMAND_LINE
from servicex.services.notice_texts import welcome
from tests.certificates import self_signed
from tests.conftest import require
from tests.notices.mail_servers import PASSWORD, USER, MailServer
from tests.notices.world import world

FROM = "ServiceX <servicex@example.org>"
WELCOME = welcome("bob@example.org", "Bób", "https://docs.example.org")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `mail.test` that vouches for itself, with its key."""
    require(shutil.which("openssl"), "there is no openssl here")
    return self_signed(tmp_path_factory.mktemp("certificate"), "mail.test")


@pytest.fixture
def mail_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name `mail.test` is known here, and is not one of this machine as far as the server knows."""
    resolve = socket.getaddrinfo

    def look_up(host: str, *args: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == "mail.test" else host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server of this machine, which wants neither encryption nor password."""
    with MailServer() as running:
        yield running


def test_welcome_mail_end_to_end(tmp_path: Path, server: MailServer) -> None:
    with world(tmp_path / "site", SMTP_URL=f"smtp://127.0.0.1:{server.port}", MAIL_FROM=FROM,
               MAILGUN_API_KEY="") as here:
        here.site.person("bob", approved=False)
        here.send()
        here.site.parts.accounts.approve(COMMAND_LINE, "bob@example.org")
        server.answer = "451 later"
        here.send()
        assert here.rows()[-1].next_attempt_at
        server.answer = "250 OK"
        here.send_again()
        here.send_again()
    (mail,) = server.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (FROM, "bob@example.org", "Welcome to ServiceX!")
    assert mail["Date"] and mail["Message-ID"].endswith("@example.org>")
    text, html = (mail.get_body([kind]) for kind in ("plain", "html"))
    assert text and "https://docs.example.org/user/getting-started/" in text.get_content()
    assert html and 'href="https://docs.example.org/user/getting-started/"' in html.get_content()


def test_other_machines_are_spoken_to_with_starttls_and_a_password(
        mail_test: None, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MailServer(certificate) as server:
        notifier = Smtp(f"smtp://{USER}:{quote(PASSWORD)}@mail.test:{server.port}", FROM)
        with pytest.raises(NotSent, match="certificate"):
            notifier.send(WELCOME)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        notifier.send(WELCOME)
        with pytest.raises(Refused, match="535"):
            Smtp(f"smtp://{USER}:wrong@mail.test:{server.port}", FROM).send(WELCOME)
    (mail,) = server.mails
    assert "Hello Bób," in str(mail.get_body(["plain"]).get_content())  # type: ignore[union-attr]


def test_nothing_is_said_to_another_machine_without_encryption(mail_test: None, server: MailServer) -> None:
    with pytest.raises(NotSent, match="STARTTLS"):
        Smtp(f"smtp://{USER}:secret@mail.test:{server.port}", FROM).send(WELCOME)
    assert server.mails == []


@pytest.mark.parametrize("answer, kind", [("554 no", Refused), ("550 no such user", Refused), ("451 later", NotSent),
                                          ("421 closing", NotSent)])
def test_which_refusals_are_final(server: MailServer, answer: str, kind: type[NotSent]) -> None:
    server.answer = answer
    with pytest.raises(NotSent, match=answer[:3]) as caught:
        Smtp(f"smtp://localhost:{server.port}", FROM).send(WELCOME)
    assert type(caught.value) is kind


def test_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(NotSent, match="timed out"):
            Smtp(f"smtp://127.0.0.1:{silent.getsockname()[1]}", FROM).send(WELCOME)


def test_server_that_is_not_there() -> None:
    with pytest.raises(NotSent, match="refused"):
        Smtp("smtp://127.0.0.1:1", FROM).send(WELCOME)


def test_address_of_two_lines_is_no_mail(server: MailServer) -> None:
    with pytest.raises(Refused):
        Smtp(f"smtp://127.0.0.1:{server.port}", FROM).send({**WELCOME, "to": "a@b.c\nBcc: eve@example.org"})
    assert server.mails == []
