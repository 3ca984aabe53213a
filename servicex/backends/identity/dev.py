"""People sign in as somebody without being asked anything: for a server on one's own machine."""
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from servicex.backends.bounded_http import is_loopback
from servicex.backends.identity.base import Attempt, Identity, IdentityProvider, SignInFailed

PROVIDER = "dev"


class DevProvider(IdentityProvider):
    """Says that everybody at this machine is the person with one address. `number` tells it from others of its kind."""

    def __init__(self, email: str, number: int):
        self.name = f"{PROVIDER}-{number}"
        self.label = email
        self._email = email

    def sign_in_url(self, redirect_uri: str, attempt: Attempt) -> str:
        """Straight back to where the person came from."""
        _check_local(redirect_uri)
        return f"{redirect_uri}?{urlencode({'state': attempt.state, 'code': attempt.nonce})}"

    def identify(self, redirect_uri: str, attempt: Attempt, answer: Mapping[str, str]) -> Identity:
        """The person. Raises SignInFailed also if the answer is not the one to this attempt."""
        _check_local(redirect_uri)
        if not hmac.compare_digest(answer.get("code", "").encode(), attempt.nonce.encode()):
            raise SignInFailed("That answer belongs to another attempt to sign in. Please try again.")
        return Identity(self.name, f"{PROVIDER}|{self._email}", self._email.partition("@")[0], self._email, self._email)

    def sign_out_url(self, return_to: str) -> None:
        """None: there is nobody to sign out from."""


def _check_local(redirect_uri: str) -> None:
    if not is_loopback(urlsplit(redirect_uri).hostname or ""):
        raise SignInFailed("Signing in without a password (DEV_USERS) works only at the machine that the server runs "
                           "on, at an address like http://localhost:5000.")
