"""Access tokens of issuers that are taken in place of ours (RFC 9068; the WLCG token profile)."""
from collections.abc import Sequence

from servicex.backends.identity.base import Identity, SignInFailed, TokenRefused
from servicex.backends.identity.claims import identity_of
from servicex.backends.identity.issuer import Issuer
from servicex.backends.identity.keys import claimed_issuer
from servicex.identity_settings import OidcSettings


class BearerTokens:
    """Knows the access tokens that issuers make for the `audience` in their settings."""

    def __init__(self, providers: Sequence[tuple[OidcSettings, Issuer]]):
        self._providers = providers

    def identity(self, token: str) -> Identity | None:
        """Whom a token speaks for; None if it is not of one of these issuers.

        Raises TokenRefused, TokenExpired, and IssuerSilent if the issuer's keys are needed and cannot be had.
        """
        claimed = claimed_issuer(token).rstrip("/")
        for settings, issuer in self._providers:
            if issuer.url == claimed:
                return _identity(settings, issuer, token)
        return None


def _identity(settings: OidcSettings, issuer: Issuer, token: str) -> Identity:
    claims = issuer.access_token(token, settings.audience)
    try:
        return identity_of(settings, claims)
    except SignInFailed as error:
        raise TokenRefused(error.message) from error
