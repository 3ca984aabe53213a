"""Providers, and a browser's part in signing in at them."""
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from servicex.backends.identity.base import Attempt
from servicex.backends.identity.globus import GlobusProvider
from servicex.backends.identity.issuer import Issuer
from servicex.backends.identity.oidc import OidcProvider
from servicex.identity_settings import OidcSettings
from tests.identity.globus import Globus
from tests.identity.provider import OpenIdProvider
from tests.identity.standard import StandardProvider

RETURN = "http://localhost:5000/auth-callback"
ATTEMPT = Attempt(state="the state", verifier="the verifier, which is long enough to be one", nonce="the nonce")


@pytest.fixture
def strict() -> Iterator[OpenIdProvider]:
    """A strict provider."""
    with OpenIdProvider(RETURN) as provider:
        yield provider


@pytest.fixture
def standard(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandardProvider]:
    """Somebody else's provider."""
    with StandardProvider(monkeypatch) as provider:
        yield provider


@pytest.fixture
def globus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Globus]:
    """What stands in for Globus; globus-sdk finds it."""
    with Globus(RETURN) as provider:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", provider.url)
        yield provider


def settings_for(provider: OpenIdProvider | StandardProvider, **more: object) -> OidcSettings:
    """How a provider is configured."""
    values = {"client_id": getattr(provider, "client_id", "any"),
              "client_secret": getattr(provider, "client_secret", "any")}
    return OidcSettings.model_validate(
        {"name": "institute", "label": "The institute", "issuer": provider.url, **values, **more})


def signs_in_at(provider: OpenIdProvider | StandardProvider, seconds: float = 20.0, **more: object) -> OidcProvider:
    """The server's side of a provider."""
    return OidcProvider(settings_for(provider, **more), Issuer(provider.url, seconds), seconds)


def signs_in_at_globus(globus: Globus, seconds: float = 20.0) -> GlobusProvider:
    """The server's side of Globus."""
    return GlobusProvider(globus.client_id, globus.client_secret, seconds)


def answer_at(url: str) -> dict[str, str]:
    """What a browser brings back from the address it was sent to, when nobody is asked there."""
    went = requests.get(url, timeout=10, allow_redirects=False)
    assert went.status_code == 302 and went.headers["Location"].startswith(RETURN), went.text
    return query(went.headers["Location"])


def query(url: str) -> dict[str, str]:
    """The query of a URL."""
    return dict(parse_qsl(urlsplit(url).query))
