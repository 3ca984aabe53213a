"""What every answer says, of whatever kind it is."""
import pytest
from flask import Flask

from servicex.api import headers
from tests.abuse.conftest import Open
from tests.accounts.people import Site

ANSWERS = [("GET", "/", 200), ("GET", "/servicex", 200), ("GET", "/apidoc", 200), ("GET", "/static/main.css", 200),
           ("GET", "/livez", 200), ("GET", "/no/such/page", 404), ("PUT", "/servicex", 405),
           ("GET", "/servicex/transformation", 401), ("POST", "/token/refresh", 401), ("OPTIONS", "/users", 200),
           ("GET", "/broken", 500)]
POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
          "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")


@pytest.fixture
def site(open_site: Open) -> Site:
    """A server with a page that fails."""
    made = open_site()

    def broken() -> str:
        raise RuntimeError("SELECT secret FROM users")
    made.app.add_url_rule("/broken", view_func=broken)
    return made


@pytest.mark.parametrize("method, path, status", ANSWERS)
def test_every_answer_tells_browsers_to_be_careful(site: Site, method: str, path: str, status: int) -> None:
    answer = site.ask(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert ("no-store" in answer.headers["Cache-Control"]) is (path != "/static/main.css")
    assert not {"Server", "X-Powered-By", "Strict-Transport-Security"} & set(answer.headers.keys())


def test_tls_is_to_be_kept_by_who_came_by_it(site: Site) -> None:
    assert "max-age=" in site.ask("GET", "/", base_url="https://localhost").headers["Strict-Transport-Security"]


def test_forms_and_frames_may_lead_where_they_are_told() -> None:
    app = Flask("x")
    headers.register(app, ["https://auth.example.org"], ["https://monitor.example.org"])
    policy = app.test_client().get("/").headers["Content-Security-Policy"]
    assert "; form-action 'self' https://auth.example.org;" in policy
    assert policy.endswith("; frame-src https://monitor.example.org")


def test_results_have_the_headers_of_their_own_door(site: Site) -> None:
    answer = site.client.get("/00000000-0000-4000-8000-000000000000/result.root")
    assert answer.content_type == "application/xml" and "X-Frame-Options" not in answer.headers
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
