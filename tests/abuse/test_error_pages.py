"""Errors as people with a browser see them, and as programs do."""
import re

import pytest
from flask import abort

from servicex.errors import Unauthorized
from tests.abuse.conftest import Open
from tests.accounts.people import Site

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SECRET = "SELECT secret FROM users"


@pytest.fixture
def site(open_site: Open) -> Site:
    """A server with pages that fail."""
    made = open_site()

    def fail(how: str) -> str:
        if how == "unknown":
            raise Unauthorized("<b>It is not known</b> who asks.")
        if how == "teapot":
            abort(418)
        raise RuntimeError(SECRET)
    made.app.add_url_rule("/fail/<how>", view_func=fail)
    return made


def page(site: Site, path: str, status: int, accept: str = ACCEPT) -> str:
    answer = site.client.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text
    for secret in ("Traceback", "SELECT", "site-packages", ".py"):
        assert secret not in answer.text
    return answer.text


def test_person_is_told_what_happened_and_what_to_do(site: Site) -> None:
    text = page(site, "/no/such/page", 404)
    assert "<h1>There is no such thing here</h1>" in text and 'href="/"' in text
    text = page(site, "/fail/unknown", 401)
    assert 'href="/sign-in"' in text and "&lt;b&gt;It is not known&lt;/b&gt; who asks." in text


def test_incident_is_the_same_on_the_page_and_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    (shown,) = set(re.findall(r"<code>([0-9a-f]{8})</code>", page(site, "/fail/hard", 500)))
    assert f"incident {shown}: a request failed" in caplog.text and SECRET in caplog.text


def test_incident_is_told_to_programs_too(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    answer = site.client.get("/fail/hard", headers={"Accept": "*/*"})
    (told,) = re.findall(r"incident ([0-9a-f]{8})", answer.json["message"])
    assert f"incident {told}: a request failed" in caplog.text
    assert SECRET not in answer.text and list(answer.json) == ["message"]


@pytest.mark.parametrize("path", ["/servicex/x", "/servicex/transformation", "/users", "/pending", "/accept", "/slack",
                                  "/token/refresh", "/multiple-codegen-list", "/livez/x", "/apidoc/openapi.json/x"])
def test_routes_of_programs_answer_json_whatever_is_accepted(site: Site, path: str) -> None:
    answer = site.client.get(path, headers={"Accept": ACCEPT})
    assert answer.status_code in (401, 404, 405) and answer.json["message"]


@pytest.mark.parametrize("accept", ["*/*", "", "application/json", "application/json, text/html;q=0.9", "text/plain",
                                    "\xff;;q=x", "a" * 10_000])
def test_programs_get_json_of_pages(site: Site, accept: str) -> None:
    answer = site.client.get("/no/such/page", headers={"Accept": accept})
    assert answer.status_code == 404 and answer.json["message"]


def test_page_that_fails_itself_gives_way_to_json(site: Site) -> None:
    @site.app.context_processor
    def broken() -> dict[str, str]:
        raise RuntimeError("the database is away")
    answer = site.client.get("/fail/unknown", headers={"Accept": ACCEPT})
    assert answer.status_code == 401 and "who asks" in answer.json["message"]


def test_statuses_of_others_have_words_too(site: Site) -> None:
    assert "<h1>I&#39;m a Teapot</h1>" in page(site, "/fail/teapot", 418)
