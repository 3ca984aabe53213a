"""An issuer of tokens: what it says of itself (OpenID Connect Discovery 1.0), and its tokens checked (RFC 7519)."""
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit

from authlib.oauth2.claims import JWTClaims
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from pydantic import BaseModel

from servicex.backends.bounded_http import CallFailed, call
from servicex.backends.identity.base import IssuerSilent, TokenExpired, TokenRefused
from servicex.backends.identity.keys import PublicKey, signed_by_one_of, usable_keys, words

log = logging.getLogger(__name__)
CALL_SECONDS = 10.0
LARGEST_DOCUMENT = 256 * 1024
# What an issuer says is good for so long.
LIFETIME = 3600.0
# It is asked again because of a token signed by an unknown key, and after a failure, no more often than this.
UNKNOWN_KEY_PAUSE = 60.0
FAILURE_PAUSE = 10.0
# How far clocks may be apart, in seconds.
LEEWAY = 60

Document = TypeVar("Document", bound=BaseModel)


class Metadata(BaseModel):
    """As much of what an issuer says of itself as is used here (Discovery, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class _KeyDocument(BaseModel):
    keys: list[dict[str, Any]]


@dataclass(frozen=True)
class _Known:
    metadata: Metadata
    keys: tuple[PublicKey, ...]
    since: float


class Issuer:
    """The issuer at a URL. It is asked when there is need, for at most `seconds` a question, and what it says is kept.

    `clock` gives seconds that only grow.
    """

    def __init__(self, url: str, seconds: float = CALL_SECONDS, clock: Callable[[], float] = time.monotonic):
        self.url = url.rstrip("/")
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._kept: _Known | None = None
        self._asked_at = -UNKNOWN_KEY_PAUSE
        self._failed = False

    def metadata(self) -> Metadata:
        """What it says of itself. Raises IssuerSilent."""
        return self._known().metadata

    def id_token(self, token: str, client_id: str, nonce: str, access_token: str = "") -> dict[str, Any]:
        """The claims of an identity token made for a client in answer to a nonce (OpenID Connect Core, 3.1.3.7).

        Raises TokenRefused, TokenExpired, IssuerSilent.
        """
        checks = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
        return self._checked(token, CodeIDToken, {"aud": {"essential": True, "value": client_id}}, checks)

    def access_token(self, token: str, audience: str) -> dict[str, Any]:
        """The claims of an access token for an audience (RFC 9068, 4). Raises as `id_token` does."""
        needed = {"aud": {"essential": True, "value": audience}, "exp": {"essential": True}, "sub": {"essential": True}}
        return self._checked(token, JWTClaims, needed, {})

    def _checked(self, token: str, kind: type[JWTClaims], needed: Mapping[str, Any],
                 checks: Mapping[str, str]) -> dict[str, Any]:
        issuer = {"iss": {"essential": True, "value": self.metadata().issuer}}
        signed = self._signed(token)
        claims = kind(signed.claims, signed.header, {**issuer, **needed}, checks)
        try:
            claims.validate(leeway=LEEWAY)
        except ExpiredTokenError:
            raise TokenExpired("Token has expired") from None
        except (JoseError, TypeError, ValueError) as error:
            raise TokenRefused(f"The token is not one for this server: {words(error)}") from error
        return dict(claims)

    def _signed(self, token: str) -> jwt.Token:
        """The token, if a key of the issuer has signed it; keys are asked for again if none has."""
        signed = signed_by_one_of(self._known().keys, token) or signed_by_one_of(self._newest_keys(), token)
        if signed is None:
            raise TokenRefused("Signature verification failed")
        return signed

    def _known(self) -> _Known:
        with self._lock:
            if self._kept is None or self._clock() - self._kept.since >= LIFETIME:
                self._ask(FAILURE_PAUSE)
            assert self._kept is not None
            return self._kept

    def _newest_keys(self) -> tuple[PublicKey, ...]:
        with self._lock:
            if self._clock() - self._asked_at >= UNKNOWN_KEY_PAUSE:
                self._ask(UNKNOWN_KEY_PAUSE)
            return self._kept.keys if self._kept else ()

    def _ask(self, pause: float) -> None:
        """Ask the issuer anew, unless it has failed to answer just now."""
        if self._failed and self._clock() - self._asked_at < pause:
            raise self._silent()
        self._asked_at, self._failed = self._clock(), True
        try:
            metadata = self._discover()
            keys = usable_keys(self._document(metadata.jwks_uri, _KeyDocument).keys)
        except (CallFailed, ValueError) as error:
            log.warning("the issuer %s cannot be used: %s", self.url, words(error))
            raise self._silent() from error
        self._kept, self._failed = _Known(metadata, keys, self._clock()), False

    def _silent(self) -> IssuerSilent:
        return IssuerSilent(f"The issuer {self.url} cannot be asked just now. Please try again in a minute.")

    def _discover(self) -> Metadata:
        found = self._document(f"{self.url}/.well-known/openid-configuration", Metadata)
        if found.issuer.rstrip("/") != self.url:
            raise ValueError(f"it says that it is {found.issuer}")
        used = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint,
                found.end_session_endpoint)
        schemes = ("https",) if self.url.startswith("https:") else ("https", "http")
        if any(urlsplit(url).scheme not in schemes for url in used if url):
            raise ValueError("its endpoints are not all at https:// addresses")
        return found

    def _document(self, url: str, kind: type[Document]) -> Document:
        answer = call("GET", url, time.monotonic() + self._seconds, headers={"Accept": "application/json"},
                      limit=LARGEST_DOCUMENT)
        if answer.status != 200:
            raise ValueError(f"{url} answers with HTTP status {answer.status}")
        return kind.model_validate_json(answer.body)
