"""What must not stand in a log does not: every secret that a request can carry, and those of outgoing ones."""
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from servicex.commands.serve import gunicorn
from servicex.observability import Redacting
from servicex.settings import load
from tests.running_server import COMMAND, answers, free_port

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJlLW9mLWJvYg"
SECRET = "sesame-open-thyself"
HOOK = f"https://hooks.slack.com/services/T000/B000/{SECRET}"


class Gunicorn:
    """What `servicex-app serve` starts to answer requests, on SQLite; with everything it printed."""

    def __init__(self, folder: Path, **settings: str):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = folder / "log"
        environment = {**os.environ, "DATA_DIRECTORY": str(folder), "ENABLE_AUTH": "true", "LOG_LEVEL": "DEBUG",
                       "GUNICORN_WORKERS": "1", **settings}
        subprocess.run([str(COMMAND), "db", "upgrade"], env=environment, check=True, capture_output=True, timeout=60)
        command = gunicorn(load(GUNICORN_WORKERS=1), "127.0.0.1", self.port)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)

    def wait_until_it_answers(self) -> None:
        """Return when it does."""
        while not answers(self.address):
            assert self.process.poll() is None, self.log()

    def stop(self) -> None:
        """End it; all is printed then."""
        self.process.terminate()
        self.process.wait(30)

    def log(self) -> str:
        """All that it printed."""
        return self._log.read_text(errors="replace")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """A server as in production."""
    made = Gunicorn(tmp_path_factory.mktemp("gunicorn"))
    try:
        made.wait_until_it_answers()
        yield made
    finally:
        made.stop()


def test_server_does_not_name_its_software_and_believes_no_proxy(server: Gunicorn) -> None:
    answer = requests.get(server.address + "/", headers={"X-Forwarded-Proto": "https", "X-Scheme": "https"}, timeout=30)
    assert answer.status_code == 200 and "gunicorn" not in str(answer.headers).lower()
    assert "Strict-Transport-Security" not in answer.headers, "it came by plain HTTP"


# It ends the server, so that all is printed.
def test_nothing_that_a_request_carries_is_printed(server: Gunicorn) -> None:
    def ask(method: str, path: str, **headers: str) -> int:
        return requests.request(method, server.address + path, headers=headers, timeout=30).status_code
    assert ask("GET", "/servicex/transformation", Authorization=f"Bearer {JWT}") == 422
    assert ask("POST", "/token/refresh", Authorization=f"Bearer {SECRET}") == 422
    ask("GET", f"/auth-callback?code={SECRET}&state={SECRET}2&scope=openid")
    ask("GET", f"/no/such/page?id_token={SECRET}&a=b", Referer=f"{server.address}/auth-callback?state={SECRET}")
    ask("GET", f"/?x=1&token={SECRET}&access_token={SECRET}",
        **{"User-Agent": f"x {JWT} Authorization: Basic {SECRET}"})
    ask("GET", f"/about?hook={HOOK}", **{"User-Agent": HOOK})
    ask("PUT", f"/servicex/internal/{SECRET}/transformation/7/files")
    server.stop()
    log = server.log()
    assert SECRET not in log and JWT.split(".")[2] not in log
    for shown in ("GET /auth-callback?code=[hidden]&state=[hidden]&scope=openid", "/no/such/page?id_token=[hidden]&a=b",
                  "auth-callback?state=[hidden]", "/servicex/internal/[token]/transformation/7/files",
                  "hooks.slack.com/[hidden]"):
        assert shown in log


@pytest.mark.parametrize("line", [
    f"headers: {{'Authorization': 'Bearer {SECRET}', 'Accept': '*/*'}}", f"Authorization: {SECRET}",
    f'"authorization": "Basic {SECRET}"', f"AUTHORIZATION=Bearer {SECRET}, x", f"told {JWT}.", f"POST {HOOK} failed",
    f"Max retries exceeded with url: /x?a=b&refresh_token={SECRET} (Caused by", f"https://x/cb#?code={SECRET}&state=1"])
@pytest.mark.parametrize("raised", [False, True])
def test_no_secret_is_logged(line: str, raised: bool) -> None:
    error = RuntimeError(line)
    record = logging.LogRecord("x", logging.INFO, "", 1, "failed" if raised else line, None,
                               (RuntimeError, error, None) if raised else None)
    written = Redacting(logging.Formatter()).format(record)
    assert SECRET not in written and JWT.split(".")[1] not in written
    assert "[hidden]" in written or "[token]" in written


@pytest.mark.parametrize("line", [
    "GET /servicex/transformation?limit=5&details=1", "the code = 5, the state: Running", "authorization by Globus",
    "GET /servicex/internal/transformation/7/files", "https://slack.com/api", "eyJ is how such tokens begin"])
def test_what_is_no_secret_stays(line: str) -> None:
    assert Redacting(logging.Formatter()).format(logging.LogRecord("x", 20, "", 1, line, None, None)) == line


def test_long_lines_take_no_long_time() -> None:
    for piece in ("eyJ", "eyJa.", "-eyJ", "?code", "authorization ", "/servicex/internal/", "?a_token", "_"):
        record = logging.LogRecord("x", 20, "", 1, piece * 30_000, None, None)
        assert Redacting(logging.Formatter()).format(record)
