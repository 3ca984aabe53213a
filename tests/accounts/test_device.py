"""Programs without a browser, let in by a person in one."""
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from servicex.models import DeviceCode
from servicex.models.base import now
from servicex.services import device_codes
from servicex.services.caller import COMMAND_LINE
from tests.accounts.browsers import Browser, identity
from tests.accounts.people import Site

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def browser(site: Site) -> Iterator[Browser]:
    """Bob's."""
    site.person("bob")
    yield Browser(site, identity("bob"))


def begin(site: Site, name: str = "batch job") -> dict[str, str]:
    answer = site.client.post("/device/code", data={"client_name": name})
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def poll(site: Site, codes: dict[str, str]) -> TestResponse:
    """Ask for the token, as if the pause since the last time had been kept."""
    with site.parts.transactions.write() as session:
        session.execute(update(DeviceCode).values(polled_at=None))
    return site.client.post("/device/token", data={"grant_type": GRANT, "device_code": codes["device_code"]})


def test_program_gets_a_token_when_a_person_lets_it_in(site: Site, browser: Browser) -> None:
    codes = begin(site, "<b>batch</b> job")
    assert codes["verification_uri"] == "http://localhost/device" and codes["interval"] == 5
    assert poll(site, codes).json["error"] == "authorization_pending"
    page = browser.get(codes["verification_uri_complete"].removeprefix("http://localhost")).text
    assert "&lt;b&gt;batch&lt;/b&gt; job" in page and codes["user_code"] in page
    assert poll(site, codes).status_code == 400, "looking at the page lets nothing in"
    assert browser.post("/device", {"user_code": codes["user_code"], "answer": "yes"}).status_code == 302
    tokens = poll(site, codes)
    assert tokens.status_code == 200 and tokens.json["token_type"] == "Bearer"
    assert site.ask("GET", "/servicex/transformation", tokens.json["access_token"]).status_code == 200
    assert site.ask("POST", "/token/refresh", tokens.json["refresh_token"]).status_code == 200
    assert poll(site, codes).json["error"] == "expired_token", "once only"


def test_code_may_be_typed_in_as_people_do(site: Site, browser: Browser) -> None:
    code = begin(site)["user_code"]
    typed = f"{code[:4].lower()}-{code[4:]} "
    assert "batch job" in browser.get("/device", query_string={"user_code": typed}).text
    unknown = browser.get("/device?user_code=BBBBBBBB")
    assert unknown.status_code == 404 and "No program waits with that code" in unknown.text


def test_program_that_is_turned_away_is_told(site: Site, browser: Browser) -> None:
    codes = begin(site)
    browser.post("/device", {"user_code": codes["user_code"], "answer": "no"})
    assert poll(site, codes).json["error"] == "access_denied"
    assert poll(site, codes).json["error"] == "expired_token"


def test_code_that_has_expired_opens_nothing(site: Site, browser: Browser) -> None:
    codes = begin(site)
    with site.parts.transactions.write() as session:
        session.execute(update(DeviceCode).values(expires_at=now() - timedelta(seconds=1)))
    assert browser.get("/device", query_string={"user_code": codes["user_code"]}).status_code == 404
    assert poll(site, codes).json["error"] == "expired_token"


def test_program_that_asks_too_often_is_slowed_down(site: Site) -> None:
    codes = begin(site)
    form = {"grant_type": GRANT, "device_code": codes["device_code"]}
    errors = [site.client.post("/device/token", data=form).json["error"] for _ in range(2)]
    assert errors == ["authorization_pending", "slow_down"]


def test_person_who_was_removed_meanwhile_lets_nothing_in(site: Site, browser: Browser) -> None:
    codes = begin(site)
    browser.post("/device", {"user_code": codes["user_code"], "answer": "yes"})
    assert browser.user is not None
    site.parts.accounts.delete(COMMAND_LINE, browser.user.id)
    assert poll(site, codes).status_code == 400


def test_rows_do_not_grow_without_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_codes, "MOST_WAITING", 3)
    for _ in range(3):
        begin(site)
    refused = site.client.post("/device/code")
    assert refused.status_code == 400 and "Too many programs wait" in refused.json["message"]
    with site.parts.transactions.write() as session:
        session.execute(update(DeviceCode).values(expires_at=now() - timedelta(seconds=1)))
    begin(site)


@pytest.mark.parametrize("form", [{}, {"grant_type": "password", "device_code": "x"}, {"grant_type": GRANT},
                                  {"grant_type": GRANT, "device_code": "x" * 999}])
def test_other_grants_are_not_given(site: Site, form: dict[str, str]) -> None:
    assert site.client.post("/device/token", data=form).status_code == 400


def test_server_without_accounts_needs_no_tokens(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = Site(tmp_path_factory.mktemp("site"), ENABLE_AUTH=False)
    try:
        assert site.client.post("/device/code").status_code == 404
    finally:
        site.close()
