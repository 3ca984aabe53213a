"""People sign in at any provider of OpenID Connect: by authorization code (OpenID Connect Core, 3.1) with PKCE."""
import io
import logging
import time
from collections.abc import Mapping
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.integrations.requests_client import OAuth2Session
from requests import PreparedRequest, RequestException, Response
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from servicex.backends.bounded_http import CallFailed, call
from servicex.backends.identity.base import (Attempt, Identity, IdentityProvider, IssuerSilent, SignInFailed,
                                             TokenRefused)
from servicex.backends.identity.claims import identity_of
from servicex.backends.identity.issuer import CALL_SECONDS, LARGEST_DOCUMENT, Issuer, Metadata
from servicex.backends.identity.keys import words
from servicex.identity_settings import OidcSettings

log = logging.getLogger(__name__)
SUPPORTED_CLIENT_AUTHENTICATION = ("client_secret_basic", "client_secret_post")
ADDRESS = ("email", "email_verified")


class OidcProvider(IdentityProvider):
    """A provider of OpenID Connect. `seconds` is what one question to it may take."""

    def __init__(self, settings: OidcSettings, issuer: Issuer, seconds: float = CALL_SECONDS):
        self.name = settings.name
        self.label = settings.label
        self._settings = settings
        self._wanted = {"name", *ADDRESS, settings.groups_claim, settings.institution_claim} - {""}
        self._issuer = issuer
        self._seconds = seconds

    def sign_in_url(self, redirect_uri: str, attempt: Attempt) -> str:
        """Where the browser is sent to sign in."""
        metadata = self._metadata()
        url, _ = self._client(metadata, redirect_uri).create_authorization_url(
            metadata.authorization_endpoint, state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce)
        return str(url)

    def identify(self, redirect_uri: str, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        """Who has signed in. What the identity token leaves out of name and address is asked for."""
        metadata = self._metadata()
        # Which of several providers answers is not taken from the browser alone (RFC 9207).
        if answer.get("iss", metadata.issuer) != metadata.issuer:
            raise SignInFailed(f"That answer did not come from {self.label}. Please try again.")
        client = self._client(metadata, redirect_uri)
        claims = self._claims(client, metadata, attempt, answer.get("code", ""))
        return identity_of(self._settings, claims)

    def sign_out_url(self, return_to: str) -> str | None:
        """Its page to sign out (OpenID Connect RP-Initiated Logout 1.0), if it has one and says so in time."""
        try:
            endpoint = self._issuer.metadata().end_session_endpoint
        except IssuerSilent:
            return None
        asked = [("client_id", self._settings.client_id), ("post_logout_redirect_uri", return_to)]
        return str(add_params_to_uri(endpoint, asked)) if endpoint else None

    def _metadata(self) -> Metadata:
        try:
            return self._issuer.metadata()
        except IssuerSilent as error:
            raise self._silent() from error

    def _client(self, metadata: Metadata, redirect_uri: str) -> OAuth2Session:
        settings = self._settings
        client = OAuth2Session(
            settings.client_id, settings.client_secret or None, _client_authentication(settings, metadata),
            scope=settings.scopes, redirect_uri=redirect_uri, code_challenge_method="S256",
            default_timeout=self._seconds, leeway=0)
        for scheme in ("https://", "http://"):
            client.mount(scheme, _BoundedAdapter())
        return client

    def _claims(self, client: OAuth2Session, metadata: Metadata, attempt: Attempt, code: str) -> dict[str, Any]:
        try:
            tokens = client.fetch_token(metadata.token_endpoint, grant_type="authorization_code", code=code,
                                        code_verifier=attempt.verifier, allow_redirects=False)
            claims = self._issuer.id_token(_text(tokens, "id_token"), self._settings.client_id, attempt.nonce,
                                           _text(tokens, "access_token"))
            if metadata.userinfo_endpoint and not self._wanted <= claims.keys():
                return _with_userinfo(claims, _userinfo(client, metadata.userinfo_endpoint, claims["sub"]))
            return claims
        except (CallFailed, IssuerSilent, RequestException) as error:
            log.warning("%s does not answer: %s", self.name, words(error))
            raise self._silent() from error
        except (AuthlibBaseError, TokenRefused, ValueError) as error:
            log.warning("a sign-in with %s failed: %s", self.name, words(error))
            raise SignInFailed(f"{self.label} did not confirm who you are. Please sign in again; if that does not "
                               "help, tell the people who run this server.") from error

    def _silent(self) -> SignInFailed:
        return SignInFailed(f"{self.label} cannot be asked just now. Please try again in a minute.")


class _BoundedAdapter(BaseAdapter):
    """Sends requests of a session so that the time-out is one for the whole call and the answer has an end."""

    def send(self, request: PreparedRequest, stream: bool = False, timeout: Any = None, *more: Any,
             **others: Any) -> Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        answer = call(str(request.method), str(request.url), time.monotonic() + timeout, headers=request.headers,
                      body=body, limit=LARGEST_DOCUMENT)
        response = Response()
        response.status_code, response.url, response.request = answer.status, str(request.url), request
        response.headers = CaseInsensitiveDict(answer.headers.items())
        response.raw = io.BytesIO(answer.body)
        return response

    def close(self) -> None:
        """Nothing: no connection outlives its call."""


def _client_authentication(settings: OidcSettings, metadata: Metadata) -> str:
    """How the client shows who it is: the way that the provider names first of those known here."""
    if not settings.client_secret:
        return "none"
    named = metadata.token_endpoint_auth_methods_supported
    return next((method for method in SUPPORTED_CLIENT_AUTHENTICATION if method in named), "client_secret_basic")


def _userinfo(client: OAuth2Session, url: str, sub: str) -> dict[str, Any]:
    """What the provider says of the person on its own (OpenID Connect Core, 5.3). Raises ValueError."""
    answer = client.get(url, allow_redirects=False)
    if answer.status_code != 200:
        raise ValueError(f"the user info endpoint answers with HTTP status {answer.status_code}")
    claims = answer.json()
    if not isinstance(claims, dict) or claims.get("sub") != sub:
        raise ValueError("the user info is of somebody else")
    return claims


def _with_userinfo(claims: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """Both together. Whether an address is verified is said by who says the address."""
    source = userinfo if "email" in userinfo else claims
    return {**userinfo, **claims, **{name: source.get(name) for name in ADDRESS}}


def _text(tokens: Mapping[str, Any], name: str) -> str:
    value = tokens.get(name)
    if not isinstance(value, str):
        raise ValueError(f"there is no {name} in the answer")
    return value
