"""Every route of the server, asked by every kind of caller. A route that is missing here fails the test."""
from collections.abc import Iterator, Mapping

import pytest

from tests.accounts.people import Site

ANYONE, USERS, OWNER, ADMINS, TOKEN, API_TOKEN = "anyone", "users", "owner", "admins", "url token", "api token"
SIGNED = "signed by Slack"
BLOCKED = {"anonymous": 401, "pending": 401, "deleted": 401, "expired": 401, "refresh": 422, "garbage": 422}
LET_IN = {ANYONE: {*BLOCKED, "user", "other", "admin"}, USERS: {"user", "other", "admin"}, OWNER: {"user", "admin"},
          ADMINS: {"admin"}}

ROUTES = {
    "GET /": ANYONE,
    "GET /static/<path:filename>": ANYONE,
    "GET /apidoc": ANYONE,
    "GET /apidoc/openapi.json": ANYONE,
    "GET /livez": ANYONE,
    "GET /readyz": ANYONE,
    "GET /servicex": ANYONE,
    "POST /token/refresh": API_TOKEN,
    "GET /multiple-codegen-list": USERS,
    "GET /servicex/transformation": USERS,
    "POST /servicex/transformation": USERS,
    "GET /servicex/transformation/<string:request_id>": OWNER,
    "DELETE /servicex/transformation/<string:request_id>": OWNER,
    "GET /servicex/transformation/<string:request_id>/status": OWNER,
    "GET /servicex/transformation/<string:request_id>/results": OWNER,
    "GET /servicex/transformation/<string:request_id>/errors": OWNER,
    "GET /servicex/transformation/<string:request_id>/cancel": OWNER,
    "POST /servicex/transformation/<string:request_id>/cancel": OWNER,
    "GET /servicex/transformation/<string:request_id>/deployment-status": OWNER,
    "GET /servicex/transformation/<string:request_id>/logs": OWNER,
    "GET /servicex/datasets": USERS,
    "GET /servicex/datasets/<int:dataset_id>": USERS,
    "DELETE /servicex/datasets/<int:dataset_id>": OWNER,
    "POST /servicex/datasets/<int:dataset_id>/refresh": USERS,
    "GET /users": ADMINS,
    "DELETE /users/<int:user_id>": ADMINS,
    "GET /pending": ADMINS,
    "DELETE /pending": ADMINS,
    "POST /accept": ADMINS,
    "POST /slack": SIGNED,
    "PUT /servicex/internal/<string:token>/transformation/<int:dataset_id>/files": TOKEN,
    "PUT /servicex/internal/<string:token>/transformation/<int:dataset_id>/complete": TOKEN,
    "PUT /servicex/internal/<string:token>/transformation/<int:dataset_id>/error": TOKEN,
    "PUT /servicex/internal/<string:token>/transformation/<string:request_id>/file-complete": TOKEN,
    "POST /servicex/internal/<string:token>/transformation/<string:request_id>/status": TOKEN,
    "POST /servicex/internal/<string:token>/transformation/<string:request_id>/<int:file_id>/status": TOKEN,
    "PUT /servicex/internal/transformation/<int:dataset_id>/files": TOKEN,
    "PUT /servicex/internal/transformation/<int:dataset_id>/complete": TOKEN,
    "PUT /servicex/internal/transformation/<int:dataset_id>/error": TOKEN,
    "PUT /servicex/internal/transformation/<string:request_id>/file-complete": TOKEN,
    "POST /servicex/internal/transformation/<string:request_id>/status": TOKEN,
    "POST /servicex/internal/transformation/<string:request_id>/<int:file_id>/status": TOKEN,
    # At the end, since there is nobody left after it but administrators.
    "DELETE /users": ADMINS,
}


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
    assert rules(site) == set(ROUTES)


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
    assert statuses == {"anonymous": 401, "expired": 401, "garbage": 422,
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
