"""The interface of identity providers."""
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from servicex.errors import ServiceXError, Unavailable


class SignInFailed(ServiceXError):
    """Raised when a provider does not say who somebody is, in words for the person who tried to sign in."""

    status = 400


class IssuerSilent(Unavailable):
    """Raised when an issuer of tokens does not answer, or says of itself what cannot be true."""


class TokenRefused(ServiceXError):
    """Raised when a token of an issuer cannot be trusted."""

    status = 422


class TokenExpired(TokenRefused):
    """Raised when a token of an issuer is not good any more."""

    status = 401


@dataclass(frozen=True)
class Attempt:
    """What binds one attempt to sign in to the browser in which it was begun. All of it is made by chance.

    `state` comes back with the answer, `verifier` proves that whoever exchanges the code began the attempt (PKCE, RFC
    7636), `nonce` comes back in the identity token (OpenID Connect Core, 3.1.2.1).
    """

    state: str
    verifier: str
    nonce: str


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as a provider says.

    `sub` is unique among all providers of this server: that of Globus stands as it is, those of others begin with the
    name of the provider and `|`. `verified_email` is empty unless the provider vouches that the address is theirs.
    `linked` are further subs of the same person, `groups` the groups of the provider that they are in.
    """

    provider: str
    sub: str
    name: str = ""
    email: str = ""
    verified_email: str = ""
    institution: str = ""
    linked: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class IdentityProvider(ABC):
    """Signs people in. `name` is what it is called in settings and URLs, `label` what people read on the button."""

    name: str
    label: str

    @abstractmethod
    def sign_in_url(self, redirect_uri: str, attempt: Attempt) -> str:
        """Where the browser is sent to sign in; it comes back to `redirect_uri`. Raises SignInFailed."""

    @abstractmethod
    def identify(self, redirect_uri: str, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        """Who has signed in, by the query with which the browser came back.

        The state in it was compared already. No token of the provider is kept. Raises SignInFailed.
        """

    @abstractmethod
    def sign_out_url(self, return_to: str) -> str | None:
        """Where the browser is sent to sign out of the provider as well; None if there is no such place."""
