"""Pages of other origins: nobody is invited but by name, and to what is public."""
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from servicex import create_app
from servicex.api import ROUTES
from servicex.api.paths import for_other_pages, for_programs
from servicex.settings import load
from tests.abuse.conftest import Open
from tests.accounts.people import Site

PORTAL = "https://portal.example.org"
EVIL = "https://evil.example.org"
PUBLIC = ("/servicex", "/apidoc", "/apidoc/openapi.json")
TRANSFORMS = "/servicex/transformation"
BROWSER = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}


@pytest.fixture
def site(open_site: Open) -> Site:
    """A server that invites the portal."""
    return open_site(CORS_ALLOWED_ORIGINS=[PORTAL])


def ask(site: Site, method: str, path: str, origin: str, **headers: str) -> TestResponse:
    return site.client.open(path, method=method, buffered=True, headers={
        **BROWSER, "Origin": origin, "Referer": f"{origin}/page", **headers})


def invites(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower().startswith("access-control")}


def preflight(site: Site, path: str, origin: str) -> TestResponse:
    return ask(site, "OPTIONS", path, origin, **{"Access-Control-Request-Method": "POST",
                                                 "Access-Control-Request-Headers": "authorization,content-type"})


def test_invited_page_uses_the_api_with_a_token(site: Site) -> None:
    asked = preflight(site, TRANSFORMS, PORTAL)
    told = invites(asked)
    assert asked.status_code == 200 and told.pop("Access-Control-Allow-Origin") == PORTAL
    assert {"GET", "POST"} <= set(told.pop("Access-Control-Allow-Methods").split(", "))
    assert told.pop("Access-Control-Allow-Headers") == "Authorization, Content-Type, Idempotency-Key"
    assert told == {"Access-Control-Max-Age": "600"}, "and nothing of credentials"
    answer = ask(site, "GET", TRANSFORMS, PORTAL, Authorization=f"Bearer {site.access_token('ada')}")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, PORTAL)
    assert "Origin" in answer.vary
    failed = ask(site, "GET", TRANSFORMS, PORTAL)
    assert (failed.status_code, failed.headers["Access-Control-Allow-Origin"]) == (401, PORTAL), "errors can be read"


def test_invited_page_cannot_use_who_is_signed_in(site: Site) -> None:
    client = site.client
    client.set_cookie("session", "x")
    answer = client.post(f"{TRANSFORMS}/1/cancel", headers={**BROWSER, "Origin": PORTAL})
    assert answer.status_code == 403 and "cookies" in answer.json["message"]


@pytest.mark.parametrize("origin", [EVIL, "null", "https://portal.example.org.evil.org", "http://portal.example.org",
                                    "https://portal.example.org:8443", "https://PORTAL.example.org", "", "*"])
@pytest.mark.parametrize("path", [TRANSFORMS, "/users", "/token/refresh", "/multiple-codegen-list"])
def test_page_that_was_not_invited_is_refused(site: Site, path: str, origin: str) -> None:
    for answer in (preflight(site, path, origin), ask(site, "GET", path, origin)):
        assert answer.status_code == 403 and not invites(answer)


@pytest.mark.parametrize("path", [
    "/servicex/internal/token/transformation/1/files", "/servicex/internal/transformation/1/complete", "/livez", "/",
    "/no/such/page", "/static/main.css", "//servicex//internal/x/transformation/1/files"])
def test_invited_page_gets_the_api_and_nothing_else(site: Site, path: str) -> None:
    for answer in (preflight(site, path, PORTAL), ask(site, "GET", path, PORTAL)):
        assert not invites(answer)


@pytest.mark.parametrize("path", PUBLIC)
def test_any_page_may_read_what_is_public(site: Site, path: str) -> None:
    answer = ask(site, "GET", path, EVIL)
    assert answer.status_code == 200
    assert invites(answer) == {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
    assert ask(site, "POST", path, EVIL).status_code in (403, 405)
    assert not invites(ask(site, "POST", path, EVIL))


def test_server_without_accounts_invites_nobody(tmp_path: Path) -> None:
    app = create_app(load(DATA_DIRECTORY=tmp_path))
    for path in (*PUBLIC, TRANSFORMS):
        answer = app.test_client().get(path, headers={"Origin": EVIL})
        assert answer.status_code == 403 and not invites(answer) and "Origin" not in answer.vary
    app.extensions["servicex"].close()


def test_pages_of_the_public_address_are_ours(open_site: Open) -> None:
    site = open_site(PUBLIC_URL="https://servicex.example.org")
    token = {"Authorization": f"Bearer {site.access_token('ada')}"}
    own = {"Origin": "https://servicex.example.org", "Referer": "https://servicex.example.org/dashboard",
           "Sec-Fetch-Site": "same-origin"}
    for host in ("servicex.example.org", "localhost"):
        answer = site.client.get(TRANSFORMS, headers={**token, **own, "Host": host}, buffered=True)
        assert answer.status_code == 200, "whether or not the proxy in front of us keeps the Host header"
    other = site.client.get(TRANSFORMS, headers={**token, "Origin": EVIL, "Host": "servicex.example.org"})
    assert other.status_code == 403


def test_routes_of_the_api_are_for_programs_and_internal_ones_not_for_pages() -> None:
    for url, _ in ROUTES:
        assert for_programs(url), url
        internal = url.startswith(("/servicex/internal", "/livez", "/readyz", "/device", "/slack"))
        assert for_other_pages(url) is not internal, url
