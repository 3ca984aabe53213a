"""Browsers without a window: cookies, forms as the pages hold them, people signed in."""
import re
from collections.abc import Mapping
from typing import Any

from werkzeug.test import TestResponse

from servicex.api import browser
from servicex.backends.identity.base import Identity
from servicex.models import User
from tests.accounts.people import Site

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


def identity(sub: str, email: str | None = None, **more: Any) -> Identity:
    """What a provider says of a person whose address it vouches for."""
    address = f"{sub}@example.org" if email is None else email
    return Identity("test", sub, sub.capitalize(), address, address, "CERN", **more)


class Browser:
    """A browser on a site; it follows no redirects."""

    def __init__(self, site: Site, signed_in: Identity | None = None):
        self.site = site
        self.client = site.app.test_client()
        self.user: User | None = None
        if signed_in is not None:
            key, self.user = site.parts.sign_ins.begin(signed_in, "127.0.0.1")
            with self.client.session_transaction() as session:
                session[browser.KEY] = key

    @property
    def key(self) -> str:
        """The key in the cookie."""
        with self.client.session_transaction() as session:
            return str(session[browser.KEY])

    def get(self, path: str, **more: Any) -> TestResponse:
        """Look at a page."""
        return self.client.get(path, buffered=True, **more)

    def post(self, path: str, form: Mapping[str, str] | None = None, page: str = "/sign-out") -> TestResponse:
        """Send a form of a page."""
        return self.client.post(path, data={"csrf_token": self.csrf(page), **(form or {})}, buffered=True)

    def ask(self, method: str, path: str, csrf: str | None = None, **more: Any) -> TestResponse:
        """What a script of a page does."""
        headers = {browser.CSRF_HEADER: csrf} if csrf else {}
        return self.client.open(path, method=method, headers=headers, buffered=True, **more)

    def csrf(self, page: str = "/sign-out") -> str:
        """What a form of a page shows that it is one of ours; empty for who may not see the page."""
        found = CSRF.search(self.get(page).text)
        return found.group(1) if found else ""
