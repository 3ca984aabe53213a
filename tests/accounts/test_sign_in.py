"""Signing in and out: what is checked, what a browser is told, whose account it is."""
import json
import zlib
from base64 import urlsafe_b64decode
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from servicex.backends.identity.base import Identity
from servicex.models import SignIn
from servicex.models.base import now
from servicex.services.accounts import Profile
from servicex.services.caller import COMMAND_LINE
from tests.accounts.browsers import Browser, identity
from tests.accounts.desk import Desk, come_back, sign_in, with_desks
from tests.accounts.people import ADMIN_EMAIL, Site

FORM = {"name": "Bob", "email": "bob@example.org", "institution": "CERN", "experiment": "CMS"}


@pytest.fixture
def desk(site: Site) -> Desk:
    """The one place where people sign in."""
    made = Desk()
    with_desks(site, made)
    return made


def user_of(site: Site, sub: str) -> dict[str, object]:
    found = site.parts.accounts.of_sub(sub)
    return {"pending": found.pending, "admin": found.admin, "verified": found.verified_email} if found else {}


def test_newcomer_makes_a_profile_and_waits(site: Site, desk: Desk) -> None:
    browser = Browser(site)
    assert browser.get("/profile").headers["Location"] == "/sign-in"
    assert browser.get("/sign-in").headers["Location"] == "/sign-in/desk"
    assert sign_in(browser, desk, identity("bob")).headers["Location"] == "/profile/new"
    assert 'value="bob@example.org"' in browser.get("/profile/new").text
    assert browser.post("/profile/new", FORM, "/profile/new").headers["Location"] == "/profile"
    page = browser.get("/profile").text
    assert "Profile created! Your account is pending approval." in page and "waits for approval" in page
    assert user_of(site, "bob") == {"pending": True, "admin": False, "verified": "bob@example.org"}


def test_several_providers_are_offered(site: Site) -> None:
    with_desks(site, Desk(), Desk("counter"))
    page = Browser(site).get("/sign-in").text
    assert "The desk" in page and 'href="/sign-in/counter"' in page


@pytest.mark.parametrize("wrong", [{"state": "_default"}, {"state": ""}, {"code": "x"}, {"state": "ü"}])
def test_answer_to_something_else_signs_nobody_in(site: Site, desk: Desk, wrong: dict[str, str]) -> None:
    browser = Browser(site)
    desk.next = identity("bob")
    assert come_back(browser, browser.get("/sign-in/desk"), **wrong).status_code == 400
    assert browser.get("/profile").headers["Location"] == "/sign-in"


def test_answer_is_good_once_and_in_the_browser_that_began(site: Site, desk: Desk) -> None:
    mine, theirs = Browser(site), Browser(site)
    desk.next = identity("mallory")
    sent = mine.get("/sign-in/desk")
    assert come_back(theirs, sent).status_code == 400, "signed in as somebody else by a link"
    assert come_back(mine, sent).status_code == 302
    assert come_back(mine, sent).status_code == 400


def test_refusal_of_a_provider_is_told_as_plain_text(site: Site, desk: Desk) -> None:
    browser = Browser(site)
    sent = browser.get("/sign-in/desk")
    answer = come_back(browser, sent, error="<b>danger", error_description="<script>x</script>" + "y" * 900)
    assert answer.headers["Location"] == "/"
    page = browser.get("/").text
    assert "&lt;script&gt;x&lt;/script&gt;yyy" in page and "<script>" not in page and "y" * 400 not in page
    assert come_back(browser, browser.get("/sign-in/desk"), error="access_denied").headers["Location"] == "/"
    assert "access_denied" in browser.get("/").text


def test_nothing_but_a_key_is_in_the_cookie_which_is_new_after_signing_in(site: Site, desk: Desk) -> None:
    browser = Browser(site)
    browser.get("/sign-in/desk")
    before = browser.client.get_cookie("servicex_session")
    sign_in(browser, desk, identity("bob"))
    cookie = browser.client.get_cookie("servicex_session")
    assert cookie and before and cookie.value != before.value and len(cookie.value) < 300
    assert cookie.http_only and cookie.same_site == "Lax" and not cookie.secure, "a server on localhost has no TLS"
    payload = cookie.value.lstrip(".").split(".")[0]
    raw = urlsafe_b64decode(payload + "==")
    assert set(json.loads(zlib.decompress(raw) if cookie.value.startswith(".") else raw)) <= {"key", "next"}


def test_cookie_goes_over_tls_only_where_there_is_some(site: Site, desk: Desk) -> None:
    answer = site.client.get("/sign-in/desk", headers={"Host": "servicex.example.org"})
    assert answer.status_code == 302 and "Secure" in answer.headers["Set-Cookie"]
    assert "back=https%3A%2F%2Fservicex.example.org%2Fauth-callback" in answer.headers["Location"]


def test_signing_out_is_for_good_also_for_who_has_copied_the_cookie(site: Site, desk: Desk) -> None:
    site.person("bob")
    browser, thief = Browser(site), Browser(site)
    sign_in(browser, desk, identity("bob"))
    with thief.client.session_transaction() as session:
        session["key"] = browser.key
    assert thief.get("/profile").status_code == 200
    assert browser.get("/sign-out").status_code == 200
    assert browser.get("/profile").status_code == 200, "looking at the page signs nobody out"
    answer = browser.post("/sign-out")
    assert answer.headers["Refresh"] == "0; url=https://desk.example.org/bye?back=http%3A%2F%2Flocalhost%2F"
    for one in (browser, thief):
        assert one.get("/profile").headers["Location"] == "/sign-in"


def test_sign_in_ends_by_itself(site: Site) -> None:
    site.person("bob")
    browser = Browser(site, identity("bob"))
    with site.parts.transactions.write() as session:
        session.execute(update(SignIn).values(expires_at=now() - timedelta(seconds=1)))
    assert browser.get("/profile").headers["Location"] == "/sign-in"


def test_people_come_back_to_the_page_they_wanted(site: Site, desk: Desk) -> None:
    site.person("bob")
    browser = Browser(site)
    browser.get("/device?user_code=BCDF")
    assert sign_in(browser, desk, identity("bob")).headers["Location"] == "/device?user_code=BCDF"


@pytest.mark.parametrize("target", ["//evil.example.org", "https://evil.example.org", "/\\evil.example.org",
                                    "javascript:alert(1)", "/\t/evil.example.org", ""])
def test_nobody_is_sent_to_other_servers(site: Site, desk: Desk, target: str) -> None:
    site.person("bob")
    browser = Browser(site)
    browser.get("/sign-in", query_string={"next": target})
    assert sign_in(browser, desk, identity("bob")).headers["Location"] == "/dashboard"


def test_typing_the_administrators_address_makes_nobody_one(site: Site, desk: Desk) -> None:
    site.parts.accounts.set_admin(COMMAND_LINE, site.person("eve").id, True)
    site.parts.accounts.delete(COMMAND_LINE, 1)
    browser = Browser(site)
    sign_in(browser, desk, identity("mallory"))
    browser.post("/profile/new", {**FORM, "email": ADMIN_EMAIL}, "/profile/new")
    assert user_of(site, "mallory") == {"pending": True, "admin": False, "verified": "mallory@example.org"}
    browser.post("/profile/edit", {**FORM, "email": ADMIN_EMAIL}, "/profile/edit")
    assert user_of(site, "mallory") == {"pending": True, "admin": False, "verified": "mallory@example.org"}
    unvouched = Browser(site)
    sign_in(unvouched, desk, identity("trudy", ""))
    unvouched.post("/profile/new", {**FORM, "email": ADMIN_EMAIL}, "/profile/new")
    assert user_of(site, "trudy") == {"pending": True, "admin": False, "verified": None}
    answer = site.ask("POST", "/accept", site.access_token("eve"), json={"email": ADMIN_EMAIL})
    assert answer.status_code == 404, "nobody there is known to have that address"


def test_administrators_address_makes_an_administrator_if_a_provider_vouches_for_it(site: Site, desk: Desk) -> None:
    site.parts.accounts.set_admin(COMMAND_LINE, site.person("eve").id, True)
    site.parts.accounts.delete(COMMAND_LINE, 1)
    browser = Browser(site)
    sign_in(browser, desk, identity("new-ada", ADMIN_EMAIL.upper()))
    browser.post("/profile/new", FORM, "/profile/new")
    assert user_of(site, "new-ada") == {"pending": False, "admin": True, "verified": ADMIN_EMAIL}
    assert browser.get("/admin/accounts").status_code == 200


def test_account_made_beforehand_is_that_of_the_verified_address(site: Site, desk: Desk) -> None:
    site.person("made-by-hand", email="bob@example.org")
    assert sign_in(Browser(site), desk, identity("stranger", "")).headers["Location"] == "/profile/new"
    browser = Browser(site)
    assert sign_in(browser, desk, identity("bob")).headers["Location"] == "/dashboard"
    later = sign_in(Browser(site), desk, identity("bob-elsewhere", "bob@example.org"))
    assert later.headers["Location"] == "/profile/new"


def test_second_account_of_an_address_is_refused_in_words(site: Site, desk: Desk) -> None:
    site.person("bob")
    sign_in(Browser(site), desk, identity("bob"))
    browser = Browser(site)
    sign_in(browser, desk, identity("bob2", "bob@example.org"))
    answer = browser.post("/profile/new", FORM, "/profile/new")
    assert answer.status_code == 400 and "There is an account of bob@example.org already" in answer.text


def test_identities_that_the_provider_links_are_the_same_person(site: Site, desk: Desk) -> None:
    bob = site.person("bob")
    browser = Browser(site)
    sign_in(browser, desk, identity("bob-at-github", "", linked=("unknown", "bob")))
    assert browser.get("/profile").status_code == 200
    assert [one.sub for one in site.parts.sign_ins.identities(bob.id)] == ["bob-at-github"]


def test_another_identity_can_be_linked_and_unlinked(site: Site) -> None:
    desk, counter = Desk(), Desk("counter")
    with_desks(site, desk, counter)
    site.person("bob")
    eve = site.person("eve")
    browser = Browser(site)
    sign_in(browser, desk, identity("bob"))
    counter.next = identity("counter|7", "bob@home.example.org")
    answer = come_back(browser, browser.post("/profile/link/counter"))
    assert answer.headers["Location"] == "/profile" and "bob@home.example.org" in browser.get("/profile").text
    elsewhere = Browser(site)
    answer = sign_in(elsewhere, counter, identity("counter|7", "bob@home.example.org"))
    assert answer.headers["Location"] == "/dashboard"
    counter.next = identity("eve")
    stolen = come_back(browser, browser.post("/profile/link/counter"))
    assert stolen.status_code == 400 and "another account" in stolen.text
    assert browser.post("/profile/unlink", {"sub": "bob"}).status_code == 404, "the account's own"
    assert Browser(site, identity("eve")).post("/profile/unlink", {"sub": "counter|7"}).status_code == 404
    assert browser.post("/profile/unlink", {"sub": "counter|7"}).status_code == 302
    assert sign_in(Browser(site), counter, identity("counter|7", "")).headers["Location"] == "/profile/new"
    assert [one.sub for one in site.parts.sign_ins.identities(eve.id)] == ["eve"]


def test_linking_from_a_browser_where_nobody_is_signed_in_any_more_signs_nobody_in(site: Site, desk: Desk) -> None:
    site.person("bob")
    browser = Browser(site)
    sign_in(browser, desk, identity("bob"))
    desk.next = identity("other")
    sent = browser.post("/profile/link/desk")
    site.parts.sign_ins.end(site.parts.sign_ins.find(browser.key), "")
    assert come_back(browser, sent).status_code == 400


@pytest.mark.parametrize("person, approved", [
    (identity("bob"), False), (identity("bob", "bob@cern.ch"), True), (identity("bob", "bob@CERN.ch"), True),
    (identity("bob", "bob@evil-cern.ch"), False), (identity("bob", "", groups=("cms", "other")), True),
    (identity("bob", "", groups=("test:cms",)), False)])
def test_rules_let_people_in_without_an_administrator(tmp_path: Path, person: Identity, approved: bool) -> None:
    site = Site(tmp_path, AUTO_APPROVE_DOMAINS=["cern.ch"], AUTO_APPROVE_GROUPS=["test:cms"])
    try:
        browser = Browser(site, person)
        browser.post("/profile/new", {**FORM, "email": "bob@cern.ch"}, "/profile/new")
        assert user_of(site, "bob")["pending"] is not approved
    finally:
        site.close()


def test_what_is_taken_away_is_gone_at_once_in_an_open_browser(site: Site) -> None:
    bob = site.person("bob")
    browser = Browser(site, identity("bob"))
    site.parts.accounts.set_admin(COMMAND_LINE, bob.id, True)
    assert browser.get("/admin/accounts").status_code == 200
    site.parts.accounts.set_admin(COMMAND_LINE, bob.id, False)
    assert browser.get("/admin/accounts").status_code == 403
    site.parts.accounts.delete(COMMAND_LINE, bob.id)
    assert browser.get("/profile").headers["Location"] == "/sign-in"


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "x" * 121}, {"email": "bob"}, {"institution": ""},
                                   {"experiment": "LHCb'; --"}, {"name": "a\0b"}, {"institution": "x" * 5000}])
def test_profile_that_cannot_be_is_shown_again(site: Site, desk: Desk, wrong: dict[str, str]) -> None:
    browser = Browser(site)
    sign_in(browser, desk, identity("bob"))
    answer = browser.post("/profile/new", {**FORM, **wrong}, "/profile/new")
    assert answer.status_code == 200 and "Please fix invalid fields below." in answer.text
    assert 'aria-invalid="true"' in answer.text and user_of(site, "bob") == {}


def test_what_people_say_of_themselves_stays_text(site: Site) -> None:
    hostile = '<img src=x onerror=alert(1)>"\'{{7*7}}'
    site.parts.accounts.create(COMMAND_LINE, "mallory", Profile(hostile, "m@example.org", hostile))
    browser, admin = Browser(site, identity("mallory", "m@example.org")), Browser(site, identity("ada", ADMIN_EMAIL))
    for page in (browser.get("/profile"), browser.get("/profile/edit"), admin.get("/admin/accounts"),
                 admin.get("/admin/audit")):
        assert page.status_code == 200 and "<img" not in page.text and "{{7*7}}" in page.text


def test_pages_without_accounts_are_for_the_single_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = Site(tmp_path_factory.mktemp("site"), ENABLE_AUTH=False)
    try:
        browser = Browser(site)
        for path in ("/", "/about", "/sign-in", "/sign-out", "/profile", "/.servicex", "/api-token", "/admin/accounts",
                     "/admin/audit", "/device"):
            assert browser.get(path).status_code == 200, path
        assert browser.get("/profile/new").headers["Location"] == "/profile"
        assert browser.get("/profile/edit").headers["Location"] == "/profile"
        assert browser.post("/sign-out").headers["Location"] == "/"
        file = browser.post("/.servicex", page="/.servicex")
        assert "token" not in file.text and "endpoint: http://localhost/" in file.text
        assert browser.client.post("/.servicex").status_code == 403, "not from our page"
    finally:
        site.close()
