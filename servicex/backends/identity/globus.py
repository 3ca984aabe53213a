"""People sign in with Globus (docs.globus.org/api/auth), which knows the identities of most institutes."""
import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from globus_sdk import (AccessTokenAuthorizer, AuthClient, ConfidentialAppAuthClient, GlobusError,
                        NetworkError, OAuthAuthorizationCodeResponse)
from globus_sdk.scopes import AuthScopes
from globus_sdk.transport import RequestsTransport, RetryConfig

from servicex.backends.identity.base import (Attempt, Identity, IdentityProvider, IssuerSilent, SignInFailed,
                                             TokenRefused)
from servicex.backends.identity.claims import address, one_line, subject, verifiable
from servicex.backends.identity.issuer import CALL_SECONDS, Issuer
from servicex.backends.identity.keys import words

log = logging.getLogger(__name__)
# Nothing is done at Globus in anybody's name.
SCOPES = [AuthScopes.openid, AuthScopes.profile, AuthScopes.email]
MOST_LINKED = 100
AT_SIGN_OUT = "ServiceX Portal"


class GlobusProvider(IdentityProvider):
    """Globus, by a confidential client of ours. `seconds` is how long it may be silent before it is asked once more,
    or given up."""

    name = "globus"
    label = "Globus"

    def __init__(self, client_id: str, client_secret: str, seconds: float = CALL_SECONDS):
        self._client_id = client_id
        self._client_secret = client_secret
        self._seconds = seconds
        with self._client() as client:
            self._issuer = Issuer(client.base_url, seconds)

    def sign_in_url(self, redirect_uri: str, attempt: Attempt) -> str:
        """Where the browser is sent to sign in."""
        with self._client() as client:
            client.oauth2_start_flow(redirect_uri, SCOPES, state=attempt.state)
            return client.oauth2_get_authorize_url(query_params={
                "nonce": attempt.nonce, "code_challenge": create_s256_code_challenge(attempt.verifier),
                "code_challenge_method": "S256"})

    def identify(self, redirect_uri: str, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        """Who has signed in, with the identities that are linked at Globus. The token got for it is revoked at once."""
        try:
            with self._client() as client:
                return self._identity(client, redirect_uri, attempt, answer.get("code", ""))
        except (NetworkError, IssuerSilent) as error:
            log.warning("Globus does not answer: %s", words(error))
            raise SignInFailed("Globus cannot be asked just now. Please try again in a minute.") from error
        except (GlobusError, TokenRefused, KeyError, TypeError, ValueError) as error:
            log.warning("a sign-in with Globus failed: %s", words(error))
            raise SignInFailed("Globus did not confirm who you are. Please sign in again; if that does not help, tell "
                               "the people who run this server.") from error

    def sign_out_url(self, return_to: str) -> str:
        """Globus' own page to sign out."""
        asked = {"client": self._client_id, "redirect_uri": return_to, "redirect_name": AT_SIGN_OUT}
        return f"{self._issuer.url}/v2/web/logout?{urlencode(asked)}"

    def _client(self) -> ConfidentialAppAuthClient:
        return ConfidentialAppAuthClient(self._client_id, self._client_secret, transport=self._transport(),
                                         retry_config=RetryConfig(max_retries=1, max_sleep=1))

    def _transport(self) -> RequestsTransport:
        return RequestsTransport(http_timeout=self._seconds)

    def _identity(self, client: ConfidentialAppAuthClient, redirect_uri: str, attempt: Attempt, code: str) -> Identity:
        tokens = client.oauth2_token(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
             "code_verifier": attempt.verifier}, response_class=OAuthAuthorizationCodeResponse)
        token = tokens["access_token"]
        try:
            claims = self._issuer.id_token(tokens["id_token"], self._client_id, attempt.nonce)
            return self._told(claims["sub"], self._userinfo(token), self._identity_set(client, token))
        finally:
            _revoke(client, token)

    def _userinfo(self, token: str) -> Mapping[str, Any]:
        with AuthClient(authorizer=AccessTokenAuthorizer(token), transport=self._transport(),
                        retry_config=RetryConfig(max_retries=1, max_sleep=1)) as client:
            return dict(client.userinfo().data)

    def _identity_set(self, client: ConfidentialAppAuthClient, token: str) -> list[Any]:
        found = client.oauth2_token_introspect(token, include="identity_set").get("identity_set") or []
        return list(found)[:MOST_LINKED]

    def _told(self, sub: str, userinfo: Mapping[str, Any], identity_set: Sequence[Any]) -> Identity:
        """The identity that Globus tells of: the primary one, whose address Globus has from the institute."""
        if userinfo["sub"] != sub:
            raise ValueError("the user info is of somebody else")
        email = address(userinfo.get("email"))
        linked = (subject(self.label, each) for each in identity_set if each != sub)
        return Identity(
            provider=self.name, sub=subject(self.label, sub), name=one_line(userinfo.get("name")), email=email,
            verified_email=verifiable(email), institution=one_line(userinfo.get("organization")),
            linked=tuple(dict.fromkeys(linked)))


def _revoke(client: ConfidentialAppAuthClient, token: str) -> None:
    try:
        client.oauth2_revoke_token(token)
    except GlobusError as error:
        log.warning("a token that is not needed any more could not be revoked: %s", words(error))
