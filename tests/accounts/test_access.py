"""Every route of the server, asked by every kind of caller. A route that is missing here fails the test."""
from collections.abc import Iterator, Mapping

import pytest

from tests.accounts.people import Site
from tests.accounts.routes import ADMINS, ANYONE, OWNER, PAGES, ROUTES, TOKEN, USERS

BLOCKED = {"anonymous": 401, "pending": 401, "deleted": 401, "expired": 401, "refresh": 422, "garbage": 422,
           "revoked": 401}
LET_IN = {ANYONE: {*BLOCKED, "user", "other", "admin"}, USERS: {"user", "other", "admin"}, OWNER: {"user", "admin"},
          ADMINS: {"admin"}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all routes."""
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tokens(site: Site) -> Mapping[str, str | None]:
    """What each kind of caller shows, administrators last."""
    return site.callers()


def rules(site: Site) -> set[str]:
    """The routes of the URL map, the bounds of numbers left out."""
    return {f"{method} {rule.rule.replace('(max=9223372036854775807)', '').replace('(max=2147483647)', '')}"
            for rule in site.app.url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def test_every_route_is_in_the_table(site: Site) -> None:
    assert rules(site) == {*ROUTES, *PAGES}


@pytest.mark.parametrize("route", [name for name, access in ROUTES.items() if access == TOKEN])
def test_callbacks_want_the_token_of_their_url_and_no_persons(site: Site, tokens: Mapping[str, str | None],
                                                              route: str) -> None:
    method, path = route.split(" ")
    owned = site.submit(str(tokens["user"]))
    url = (path.replace("<string:request_id>", owned).replace("<int:dataset_id>", "1").replace("<int:file_id>", "1")
           .replace("<string:token>", "forged"))
    for token in tokens.values():
        assert site.ask(method, url, token, json={}).status_code == 403


def test_api_token_is_what_renews_access(site: Site, tokens: Mapping[str, str | None]) -> None:
    statuses = {name: site.ask("POST", "/token/refresh", token).status_code for name, token in tokens.items()}
    assert statuses.pop("refresh") == 200
    assert statuses == {"anonymous": 401, "expired": 401, "garbage": 422, "revoked": 422,
                        **dict.fromkeys(("pending", "user", "other", "admin", "deleted"), 422)}


def test_slack_is_known_by_its_signature_and_persons_by_none(site: Site, tokens: Mapping[str, str | None]) -> None:
    for token in tokens.values():
        answer = site.ask("POST", "/slack", token, data={"payload": "{}"})
        assert (answer.status_code, answer.data) == (403, b"")


@pytest.mark.parametrize("route", [name for name, access in ROUTES.items() if access in LET_IN])
def test_route_lets_in_whom_it_should_and_nobody_else(site: Site, tokens: Mapping[str, str | None], route: str) -> None:
    method, path = route.split(" ")
    access = ROUTES[route]
    for name, token in tokens.items():
        owned = site.submit(str(tokens["user"]), name)
        newest = site.ask("GET", "/servicex/datasets?limit=1", tokens["admin"]).json["datasets"][0]["id"]
        url = (path.replace("<string:request_id>", owned).replace("<int:dataset_id>", str(newest))
               .replace("<int:user_id>", "999").replace("<path:filename>", "main.css"))
        if path.endswith("/events"):
            site.end_transform(owned)
        body = {"json": {}} if method in ("POST", "PUT") else {}
        answer = site.ask(method, url, token, **body)
        if name in LET_IN[access]:
            assert answer.status_code not in (401, 422, 500), (name, answer.text)
        elif name in BLOCKED:
            assert answer.status_code == BLOCKED[name], (name, answer.text)
            assert answer.json["message"]
        else:
            denied = {OWNER: 403 if "datasets" in path else 404, ADMINS: 401}[access]
            assert answer.status_code == denied, (name, answer.text)
