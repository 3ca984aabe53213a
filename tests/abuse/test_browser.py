"""A real browser: a page that was invited uses the API with a token, another one at the same time does not."""
import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.accounts.people import ADMIN_EMAIL
from tests.accounts.test_real_client import Guarded
from tests.conftest import require
from tests.running_server import RunningServer, free_port, is_built

SCRIPT = """async ([address, token]) => {
  const seen = {};
  const ask = async (name, path, options) => {
    try { seen[name] = (await fetch(address + path, options)).status; } catch (error) { seen[name] = "refused"; }
  };
  const headers = {Authorization: "Bearer " + token, "Content-Type": "application/json"};
  await ask("info", "/servicex", {});
  await ask("list", "/servicex/transformation", {headers});
  await ask("submit", "/servicex/transformation", {method: "POST", headers, body: "{}"});
  await ask("cancel", "/servicex/transformation/1/cancel", {method: "POST", headers});
  await ask("internal", "/servicex/internal/x/transformation/1/files", {method: "PUT", headers, body: "[]"});
  return JSON.stringify(seen);
}"""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[int]:
    """The port of a web server with an empty page."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<!doctype html><title>elsewhere</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of Debian's Chromium."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


class Inviting(Guarded):
    """A server with accounts that invites one origin."""

    def __init__(self, folder: Path, origin: str):
        (folder / "files").mkdir()
        self.settings = {"ENABLE_AUTH": "true", "DATA_DIRECTORY": str(folder / "data"), "JWT_ADMIN": ADMIN_EMAIL,
                         "CORS_ALLOWED_ORIGINS": json.dumps([origin])}
        RunningServer.__init__(self, folder / "data", [folder / "files"], port=free_port(), environment=self.settings)


def test_invited_page_and_another(tmp_path: Path, page: Page, elsewhere: int) -> None:
    require(is_built(), "the command servicex-app is not installed")
    with Inviting(tmp_path, f"http://localhost:{elsewhere}") as server:
        server.command("user", "create", "ada", ADMIN_EMAIL, "Ada", "CERN", "--approved")
        api_token = server.command("user", "token", "ada")
        token = page.request.post(f"{server.address}/token/refresh",
                                  headers={"Authorization": f"Bearer {api_token}"}).json()["access_token"]

        def seen(host: str) -> dict[str, object]:
            page.goto(f"http://{host}:{elsewhere}/")
            told: dict[str, object] = json.loads(page.evaluate(SCRIPT, [server.address, token]))
            return told
        assert seen("localhost") == {"info": 200, "list": 200, "submit": 400, "cancel": 404, "internal": "refused"}
        assert seen("127.0.0.1") == {"info": 200, **dict.fromkeys(("list", "submit", "cancel", "internal"), "refused")}


def test_pages_keep_to_their_own_policy(tmp_path: Path, page: Page, elsewhere: int) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    with Inviting(tmp_path, f"http://localhost:{elsewhere}") as server:
        for path in ("/", "/apidoc", "/no/such/page"):
            page.goto(server.address + path)
            assert page.evaluate("document.styleSheets[0].cssRules.length") > 0, "styles are there"
        assert [line for line in said if "Content Security Policy" in line] == []
        assert "There is no such thing here" in page.content()
        page.goto(f"http://127.0.0.1:{elsewhere}/")
        page.evaluate("address => { const f = document.createElement('iframe'); f.src = address; "
                      "document.body.append(f); return new Promise(done => f.onload = done); }", server.address)
        assert [line for line in said if "frame-ancestors" in line or "X-Frame-Options" in line]
