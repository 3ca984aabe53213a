"""The tokens that people make for their programs on the pages, and the file with one in it."""
import re
from datetime import timedelta

import jwt
import pytest
import yaml
from werkzeug.test import TestResponse

from servicex.models.base import now
from servicex.services.api_tokens import MOST_TOKENS
from servicex.services.caller import COMMAND_LINE
from tests.accounts.browsers import Browser, identity
from tests.accounts.people import KEY, Site

TOKEN = re.compile(r'<pre class="secret"[^>]*>([^<]+)</pre>')


@pytest.fixture
def browser(site: Site) -> Browser:
    """Bob's."""
    site.person("bob")
    return Browser(site, identity("bob"))


def made(browser: Browser, **form: str) -> str:
    """A token made on the page."""
    page = browser.post("/api-token", form, "/api-token").text
    found = TOKEN.search(page)
    assert found, page
    return found.group(1)


def access(site: Site, api_token: str) -> TestResponse:
    return site.ask("POST", "/token/refresh", api_token)


def test_token_is_shown_once(site: Site, browser: Browser) -> None:
    assert "Your new API token has been generated!" in browser.post("/api-token", page="/api-token").text
    token = made(browser, name="laptop <b>")
    assert access(site, token).status_code == 200
    for path in ("/profile", "/api-token", "/.servicex"):
        page = browser.get(path).text
        assert token not in page and token[-20:] not in page
    assert "laptop &lt;b&gt;" in browser.get("/profile").text


def test_several_tokens_are_good_side_by_side_until_revoked(site: Site, browser: Browser) -> None:
    laptop, batch = made(browser, name="laptop"), made(browser, name="batch")
    token = access(site, laptop).json["access_token"]
    assert site.ask("GET", "/servicex/transformation", token).status_code == 200
    first = site.parts.api_tokens.of_user(browser.user.id)[0]  # type: ignore[union-attr]
    assert browser.post(f"/api-token/{first.id}/revoke").headers["Location"] == "/profile"
    assert access(site, laptop).status_code == 401
    assert site.ask("GET", "/servicex/transformation", token).status_code == 401, "also what was got with it"
    assert access(site, batch).status_code == 200
    page = browser.get("/profile").text
    assert ">batch<" in page and ">laptop<" not in page


def test_token_of_somebody_else_cannot_be_revoked(site: Site, browser: Browser) -> None:
    eve = site.person("eve")
    token = site.api_token(eve)
    other = site.parts.api_tokens.of_user(eve.id)[0]
    assert browser.post(f"/api-token/{other.id}/revoke").status_code == 404
    assert access(site, token).status_code == 200


def test_token_can_be_good_for_some_days(site: Site, browser: Browser) -> None:
    token = made(browser, days="7")
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    assert abs(claims["exp"] - (now() + timedelta(days=7)).timestamp()) < 60
    (kept,) = site.parts.api_tokens.of_user(browser.user.id)  # type: ignore[union-attr]
    assert kept.expires_at is not None and abs(kept.expires_at.timestamp() - claims["exp"]) < 60
    assert "exp" not in jwt.decode(made(browser), KEY, algorithms=["HS256"])


def test_no_token_is_good_for_longer_than_the_server_allows(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = Site(tmp_path_factory.mktemp("site"), JWT_REFRESH_TOKEN_EXPIRES=3600)
    try:
        site.person("bob")
        browser = Browser(site, identity("bob"))
        for days in ("0", "365"):
            claims = jwt.decode(made(browser, days=days), KEY, algorithms=["HS256"])
            assert abs(claims["exp"] - now().timestamp() - 3600) < 60
    finally:
        site.close()


@pytest.mark.parametrize("form", [{"days": "36500"}, {"days": "-1"}, {"days": "x"}, {"name": "x" * 121},
                                  {"name": "a\0b"}])
def test_token_that_cannot_be_is_refused(site: Site, browser: Browser, form: dict[str, str]) -> None:
    assert browser.post("/api-token", form, "/api-token").status_code == 400
    assert site.parts.api_tokens.of_user(browser.user.id) == []  # type: ignore[union-attr]


def test_nobody_has_tokens_without_end(site: Site, browser: Browser) -> None:
    assert browser.user is not None
    for number in range(MOST_TOKENS):
        site.parts.api_tokens.keep(COMMAND_LINE, browser.user.id, f"token {number}", "x")
    answer = browser.post("/api-token", page="/api-token")
    assert answer.status_code == 400 and "Please revoke those" in answer.text


def test_file_is_the_one_the_client_reads(site: Site, browser: Browser) -> None:
    assert browser.get("/.servicex").headers["Content-Type"].startswith("text/html"), "looking at it makes no token"
    assert site.parts.api_tokens.of_user(browser.user.id) == []  # type: ignore[union-attr]
    answer = browser.post("/.servicex", page="/.servicex")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == "attachment; filename=servicex.yaml"
    lines = answer.text.splitlines()
    assert lines[0] == "api_endpoints:" and lines[1] == "  - name: uproot" and answer.text.endswith("\n")
    entries = yaml.safe_load(answer.text)["api_endpoints"]
    keys = ["name", "endpoint", "token", "codegen", "return_data"]
    assert [list(entry) for entry in entries] == [keys] * len(entries)
    assert {entry["codegen"] for entry in entries} == set(site.parts.transforms.code_generators())
    assert {(entry["endpoint"], entry["return_data"]) for entry in entries} == {("http://localhost/", "root-file")}
    assert len({entry["token"] for entry in entries}) == 1 and access(site, entries[0]["token"]).status_code == 200


def test_file_names_the_address_that_browsers_use(site: Site) -> None:
    site.person("bob")
    browser = Browser(site, identity("bob"))
    for headers, endpoint in (({"Host": "servicex.example.org"}, "https://servicex.example.org/"),
                              ({"X-Scheme": "gopher", "X-Forwarded-Host": "evil.example.org"}, "http://localhost/")):
        page = browser.get("/.servicex", headers=headers)
        assert page.status_code == 302 or f"endpoint: {endpoint}" in page.text
