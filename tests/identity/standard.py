"""The provider of OpenID Connect that PyPI's `oidc-provider-mock` is: somebody else's reading of the standard."""
from typing import Any

import oidc_provider_mock
import pytest
import requests

from tests.identity.http import LoopbackServer


class StandardProvider(LoopbackServer):
    """The provider at `url`; it serves as soon as it is made, and a context manager ends it.

    It knows no secrets and lets any client send people anywhere. Who signs in types their sub into a form.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # By default it answers TLS only.
        monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        super().__init__("localhost")
        self.serve(oidc_provider_mock.app(require_nonce=True))

    def add_person(self, sub: str, **claims: Any) -> None:
        """Make a person known to it."""
        requests.put(f"{self.url}/users/{sub}", json=claims, timeout=10).raise_for_status()

    def sign_in(self, url: str, sub: str) -> str:
        """Do what a person does at the address they were sent to; gives the address they are sent back to."""
        return str(requests.post(url, data={"sub": sub}, timeout=10, allow_redirects=False).headers["Location"])
