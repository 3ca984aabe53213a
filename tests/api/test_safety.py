"""A server without accounts on a laptop: other sites' pages, other names and other machines get nothing from it."""
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Ask
from tests.conftest import require
from tests.running_server import RunningServer

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What a hostile page can try: each way to send a body across origins, with what it saw of the answer.
PAGE = """<!doctype html><title>other site</title><pre id="seen"></pre><script>
const url = "%(address)s/servicex/transformation", body = %(body)s;
const tries = {
  json: {method: "POST", headers: {"Content-Type": "application/json"}, body},
  text: {method: "POST", headers: {"Content-Type": "text/plain"}, body},
  opaque: {method: "POST", mode: "no-cors", body},
  form: {method: "POST", mode: "no-cors", body: new URLSearchParams({title: "hostile"})},
  read: {method: "GET"},
};
(async () => {
  const seen = {};
  for (const [name, options] of Object.entries(tries)) {
    try { const r = await fetch(url, options); seen[name] = r.type + " " + r.status; }
    catch (error) { seen[name] = "refused"; }
  }
  for (const path of ["%(cancel)s"]) await new Promise(done => {
    const image = new Image(); image.onload = image.onerror = done; image.src = path; });
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The command of a real browser."""
    found = next((shutil.which(name) for name in BROWSERS if shutil.which(name)), None)
    require(found, "no Chromium is installed")
    assert found is not None
    return found


@pytest.fixture
def other_site() -> Iterator[Any]:
    """A web server of another origin; set its `page`."""
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(site.page.encode())  # type: ignore[attr-defined]

        def log_message(self, *_: Any) -> None:
            pass
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site
    site.shutdown()


def test_page_of_another_origin_can_neither_submit_nor_read_nor_cancel(
        browser: str, other_site: Any, server: RunningServer, ask: Ask, body: dict[str, Any], tmp_path: Path) -> None:
    endless = "ZGVmIHJ1bl9xdWVyeShpbnB1dF9maWxlbmFtZXM9Tm9uZSk6CiAgICB3aGlsZSBUcnVlOgogICAgICAgIHBhc3MK"
    mine = ask("post", "/servicex/transformation", json={**body, "codegen": "python", "selection": endless}).json()
    url = f"/servicex/transformation/{mine['request_id']}"
    other_site.page = PAGE % {"address": server.address, "cancel": f"{server.address}{url}/cancel",
                              "body": json.dumps(json.dumps({**body, "title": "hostile"}))}
    try:
        dom = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
             "--disable-quic", "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=10000", "--dump-dom",
             f"http://127.0.0.1:{other_site.server_port}/"],
            capture_output=True, text=True, timeout=60).stdout
        seen = json.loads(dom.split('<pre id="seen">')[1].split("</pre>")[0].replace("&quot;", '"'))
        assert seen == {"json": "refused", "text": "refused", "opaque": "opaque 0", "form": "opaque 0",
                        "read": "refused"}
        assert "hostile" not in {t["title"] for t in ask("get", "/servicex/transformation").json()["requests"]}
        assert ask("get", url).json()["status"] == "Running", "an image of another site must not cancel"
    finally:
        ask("post", url + "/cancel")


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example.org"}, {"Origin": "null"}, {"Origin": "http://localhost:1"},
    {"Origin": "http://["},
    {"Referer": "http://evil.example.org/page"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Host": "evil.example.org"},
    {"Host": "evil.example.org:5000"},
    {"Host": "127.0.0.1.evil.example.org"}, {"Host": "0.0.0.0"}, {"Host": ""},
])
@pytest.mark.parametrize("path", ["/servicex", "/servicex/transformation"])
def test_foreign_names_and_origins_are_refused(ask: Ask, headers: dict[str, str], path: str) -> None:
    answer = ask("get", path, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:80"])
def test_names_of_the_loopback_address_are_ours(ask: Ask, host: str) -> None:
    assert ask("get", "/servicex", headers={"Host": host}).status_code == 200


def test_nothing_invites_other_origins(ask: Ask) -> None:
    for method in ("get", "options", "post"):
        answer = ask(method, "/servicex/transformation",
                     headers={"Access-Control-Request-Method": "POST", "Content-Type": "text/plain"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_addresses_need_a_word_of_consent(host: str, tmp_path: Path) -> None:
    done = subprocess.run([Path(sys.executable).parent / "servicex-app", "up", "--host", host, "--data", tmp_path],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "--insecure" in done.stderr and done.stderr.count("\n") == 1


def test_second_server_on_the_same_folder_is_refused(server: RunningServer) -> None:
    done = subprocess.run([Path(sys.executable).parent / "servicex-app", "up", "--port", "0", "--data", server.data],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Another server uses" in done.stderr
