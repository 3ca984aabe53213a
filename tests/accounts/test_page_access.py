"""Every page, and every route that pages use, in browsers of every kind of person."""
from collections.abc import Iterator, Mapping

import pytest

from servicex.services.caller import COMMAND_LINE
from tests.accounts.browsers import Browser, identity
from tests.accounts.people import ADMIN_EMAIL, Site
from tests.accounts.routes import ACCOUNT, ADMINS, ANYONE, OWNER, PAGES, ROUTES, SIGNED_IN, USERS

STRANGERS = {"stranger", "deleted", "signed out", "forged"}
EVERYBODY = {*STRANGERS, "newcomer", "pending", "user", "other", "admin"}
LET_IN = {ANYONE: EVERYBODY, SIGNED_IN: EVERYBODY - STRANGERS, ACCOUNT: {"pending", "user", "other", "admin"},
          USERS: {"user", "other", "admin"}, ADMINS: {"admin"}, OWNER: {"user", "admin"}}
FILLED_IN = {"<int:user_id>": "999", "<int:token_id>": "999", "<string:provider>": "nowhere",
             "<path:filename>": "main.css"}


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of its own: pages change it."""
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture
def browsers(site: Site) -> Mapping[str, Browser]:
    """A browser for each kind of person."""
    site.person("user")
    site.person("other")
    site.person("pending", approved=False)
    gone = site.person("gone")
    found = {name: Browser(site, identity(name)) for name in ("newcomer", "pending", "user", "other")}
    # Administrators at the end: there are routes after which nobody else is left.
    found |= {"stranger": Browser(site), "deleted": Browser(site, identity("gone")),
              "signed out": Browser(site, identity("user")), "forged": Browser(site),
              "admin": Browser(site, identity("ada", ADMIN_EMAIL))}
    site.parts.accounts.delete(COMMAND_LINE, gone.id)
    left = site.parts.sign_ins.find(found["signed out"].key)
    site.parts.sign_ins.end(left, "127.0.0.1")
    with found["forged"].client.session_transaction() as session:
        session.update(key="x", user_id=1, is_authenticated=True, admin=True, sub="ada")
    assert set(found) == EVERYBODY
    return found


@pytest.mark.parametrize("route", PAGES)
def test_page_is_for_whom_it_should_be_and_nobody_else(site: Site, browsers: Mapping[str, Browser], route: str) -> None:
    method, url = path_of(route)
    for name, browser in browsers.items():
        answer = browser.get(url) if method == "GET" else browser.post(url)
        if name in LET_IN[PAGES[route]]:
            assert answer.status_code in (200, 302, 400, 404), (name, answer.text)
            assert answer.headers.get("Location") not in ("/sign-in",), name
        elif name in STRANGERS:
            assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in"), name
        elif name == "newcomer":
            assert (answer.status_code, answer.headers["Location"]) == (302, "/profile/new")
        else:
            assert answer.status_code == 403, (name, answer.text)


@pytest.mark.parametrize("route", [name for name in PAGES if name.startswith("POST")])
def test_form_is_taken_from_our_pages_only(site: Site, browsers: Mapping[str, Browser], route: str) -> None:
    _, url = path_of(route)
    for name in LET_IN[PAGES[route]]:
        browser = browsers[name]
        other = browsers["user" if name == "admin" else "admin"]
        for forged in ({}, {"csrf_token": "forged"}, {"csrf_token": other.csrf()}):
            answer = browser.client.post(url, data=forged)
            assert (answer.status_code, "page of this server" in answer.text) == (403, True), (name, answer.text)


@pytest.mark.parametrize("route", [name for name, access in ROUTES.items() if access in LET_IN])
def test_route_in_a_browser_is_for_the_same_people(site: Site, browsers: Mapping[str, Browser], route: str) -> None:
    method, url = path_of(route)
    for name, browser in browsers.items():
        owned = site.submit(site.access_token("user"), name)
        newest = site.ask("GET", "/servicex/datasets?limit=1", site.access_token("ada")).json["datasets"][0]["id"]
        if url.endswith("/events"):
            site.end_transform(owned)
        url_now = url.replace("<string:request_id>", owned).replace("<int:dataset_id>", str(newest))
        answer = browser.ask(method, url_now, browser.csrf(), **({"json": {}} if method == "POST" else {}))
        if route.endswith("/cancel") and method == "GET" and name in LET_IN[USERS]:
            assert answer.status_code == 403, "an image of another page would do"
        elif name in LET_IN[ROUTES[route]]:
            assert answer.status_code in (200, 400, 404), (name, answer.text)
        elif name in LET_IN[USERS]:
            denied = {OWNER: 403 if "datasets" in url else 404, ADMINS: 401}[ROUTES[route]]
            assert answer.status_code == denied, (name, answer.text)
        else:
            assert answer.status_code == 401, (name, answer.text)


@pytest.mark.parametrize("route", [name for name in ROUTES if name.split(" ")[0] in ("POST", "DELETE")
                                   and ROUTES[name] in (USERS, OWNER, ADMINS)])
def test_nothing_is_changed_from_a_browser_without_a_page_of_ours(site: Site, browsers: Mapping[str, Browser],
                                                                  route: str) -> None:
    method, url = path_of(route)
    for name in ("user", "admin"):
        answer = browsers[name].ask(method, url.replace("<int:dataset_id>", "1"), json={})
        assert (answer.status_code, "page of this server" in answer.text) == (403, True), (name, answer.text)


def path_of(route: str) -> tuple[str, str]:
    """The method, and the URL with what does not matter filled in."""
    method, url = route.split(" ")
    for part, value in FILLED_IN.items():
        url = url.replace(part, value)
    return method, url
