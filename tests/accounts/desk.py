"""An identity provider in this process, which says of the next person what it was told to."""
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

from werkzeug.test import TestResponse

from servicex.backends.identity.base import Attempt, Identity, IdentityProvider, SignInFailed
from servicex.web.services import EXTENSION
from tests.accounts.browsers import Browser
from tests.accounts.people import Site


class Desk(IdentityProvider):
    """Lets in whoever `next` is; the answer to an attempt is good once."""

    def __init__(self, name: str = "desk"):
        self.name, self.label = name, f"The {name}"
        self.next: Identity | None = None
        self._open: dict[str, Attempt] = {}

    def sign_in_url(self, redirect_uri: str, attempt: Attempt) -> str:
        self._open[attempt.nonce] = attempt
        return "https://desk.example.org/?" + urlencode({
            "back": redirect_uri, "state": attempt.state, "code": attempt.nonce})

    def identify(self, redirect_uri: str, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        if self._open.pop(answer.get("code", ""), None) != attempt or self.next is None:
            raise SignInFailed("The desk does not know you.")
        return replace(self.next, provider=self.name)

    def sign_out_url(self, return_to: str) -> str:
        return "https://desk.example.org/bye?" + urlencode({"back": return_to})


def with_desks(site: Site, *desks: Desk) -> None:
    """Have people sign in at these desks."""
    known = site.app.extensions[EXTENSION]
    site.app.extensions[EXTENSION] = replace(known, identity_providers=desks)


def sign_in(browser: Browser, desk: Desk, person: Identity) -> TestResponse:
    """The whole way to a desk and back; gives the last answer."""
    desk.next = person
    return come_back(browser, browser.get(f"/sign-in/{desk.name}"))


def come_back(browser: Browser, sent: TestResponse, **instead: str) -> TestResponse:
    """Come back from the desk with what it says, or with something else."""
    url = sent.headers.get("Location") or sent.headers["Refresh"].removeprefix("0; url=")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    return browser.get("/auth-callback?" + urlencode({"state": asked["state"], "code": asked["code"], **instead}))
