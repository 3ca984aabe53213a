"""The whole way: from our pages to a provider, and back with an account."""
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from tests.accounts.people import ADMIN_EMAIL, Site
from tests.identity.conftest import settings_for
from tests.identity.globus import Globus
from tests.identity.provider import OpenIdProvider

CALLBACK = "http://localhost/auth-callback"
EVE = "5e1f0a4e-58a3-4c8c-9b65-3c1a1c0d9e01"


@pytest.fixture(params=[OpenIdProvider, Globus])
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenIdProvider]:
    """A provider where Eve signs in."""
    with request.param(CALLBACK) as made:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", made.url)
        made.person, made.people[EVE] = EVE, {"name": "Eve", "email": "eve@example.org", "email_verified": True}
        yield made


@pytest.fixture
def site(tmp_path: Path, provider: OpenIdProvider) -> Iterator[Site]:
    """A server where people sign in at that provider alone."""
    globus = {"GLOBUS_CLIENT_ID": provider.client_id, "GLOBUS_CLIENT_SECRET": provider.client_secret}
    made = Site(tmp_path, **globus if isinstance(provider, Globus) else {
        "OIDC_PROVIDERS": [settings_for(provider).model_dump()]})
    yield made
    made.close()


def follow(browser: FlaskClient, path: str) -> str:
    """Go where a browser is sent to, at the provider too; gives the path of ours where it is let stay."""
    for _ in range(10):
        answer = browser.get(path)
        if answer.status_code != 302:
            return path
        target = answer.headers["Location"]
        if urlsplit(target).netloc not in ("", "localhost"):
            target = requests.get(target, timeout=10, allow_redirects=False).headers["Location"]
        path = urlsplit(target)._replace(scheme="", netloc="").geturl()
    raise AssertionError("sent around in a circle")


def test_person_without_an_account_is_asked_for_a_profile(site: Site) -> None:
    assert follow(site.app.test_client(), "/sign-in").startswith("/profile/new")


def test_person_finds_the_account_that_was_made_for_their_address(site: Site, provider: OpenIdProvider) -> None:
    site.person("somebody", email="eve@example.org")
    browser = site.app.test_client()
    assert follow(browser, "/sign-in") == "/profile"
    assert "eve@example.org" in browser.get("/profile").text


def test_address_that_nobody_vouches_for_opens_no_account(site: Site, provider: OpenIdProvider) -> None:
    """Nor does that of an identity which is only linked."""
    provider.people[EVE] = {"name": "Eve"} if isinstance(provider, Globus) else {"email": ADMIN_EMAIL}
    if isinstance(provider, Globus):
        provider.linked[EVE], provider.people["linked"] = ["linked"], {"email": ADMIN_EMAIL}
    browser = site.app.test_client()
    assert follow(browser, "/sign-in").startswith("/profile/new")
    assert browser.get("/users").status_code == 401


def test_provider_that_is_down_is_told_in_words(site: Site, provider: OpenIdProvider) -> None:
    browser = site.app.test_client()
    sent = browser.get(browser.get("/sign-in").headers["Location"])
    back = requests.get(sent.headers["Location"], timeout=10, allow_redirects=False).headers["Location"]
    provider.close()
    answer = browser.get(urlsplit(back)._replace(scheme="", netloc="").geturl())
    assert answer.status_code == 400 and "cannot be asked just now" in answer.text and "Traceback" not in answer.text
