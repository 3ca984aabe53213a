"""What is kept of what an issuer says, and when it is asked again."""
import time
from collections.abc import Callable

import pytest

from servicex.backends.identity.base import IssuerSilent, TokenExpired, TokenRefused
from servicex.backends.identity.issuer import Issuer
from servicex.backends.identity.keys import claimed_issuer
from tests.identity.provider import OpenIdProvider, jwk, signed

HERE = "https://servicex.example.org"
DISCOVERY = "/.well-known/openid-configuration"


class Clock:
    """Shows what it was set to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def issuer(strict: OpenIdProvider, clock: Clock) -> Issuer:
    """The strict provider, as the issuer of access tokens."""
    return Issuer(strict.url + "/", 20.0, clock)


def accepted(issuer: Issuer, token: str) -> bool:
    try:
        return issuer.access_token(token, HERE)["sub"] == "ada"
    except TokenRefused:
        return False


def test_issuer_is_asked_once_an_hour(strict: OpenIdProvider, issuer: Issuer, clock: Clock) -> None:
    token = signed(strict.access_token("ada", HERE))
    assert all(accepted(issuer, token) for _ in range(5))
    assert (len(strict.asked(DISCOVERY)), len(strict.asked("/keys"))) == (1, 1)
    clock.now += 3599
    assert accepted(issuer, token) and len(strict.asked("/keys")) == 1
    clock.now += 1
    assert accepted(issuer, token) and len(strict.asked("/keys")) == 2


def test_new_key_is_found_after_a_minute_at_most(strict: OpenIdProvider, issuer: Issuer, clock: Clock) -> None:
    assert accepted(issuer, signed(strict.access_token("ada", HERE)))
    strict.keys = [jwk("second")]
    new = signed(strict.access_token("ada", HERE), "second")
    clock.now += 60
    assert accepted(issuer, new)
    assert not accepted(issuer, signed(strict.access_token("ada", HERE))), "the issuer has withdrawn the first key"


@pytest.mark.parametrize("kid", ["first", "unknown"])
def test_tokens_of_strangers_make_us_ask_once_a_minute(strict: OpenIdProvider, issuer: Issuer, clock: Clock,
                                                       kid: str) -> None:
    hostile = signed(strict.access_token("ada", HERE), "stranger", kid=kid)
    assert not any(accepted(issuer, hostile) for _ in range(20))
    assert len(strict.asked("/keys")) == 1
    clock.now += 60
    assert not any(accepted(issuer, hostile) for _ in range(20))
    assert len(strict.asked("/keys")) == 2


def test_tokens_of_strangers_do_no_harm_to_others_while_the_issuer_is_down(strict: OpenIdProvider, issuer: Issuer,
                                                                           clock: Clock) -> None:
    good = signed(strict.access_token("ada", HERE))
    assert accepted(issuer, good)
    strict.broken.add("/keys")
    clock.now += 60
    with pytest.raises(IssuerSilent):
        accepted(issuer, signed(strict.access_token("ada", HERE), "stranger"))
    assert not accepted(issuer, signed(strict.access_token("ada", HERE), "stranger"))
    assert accepted(issuer, good) and len(strict.asked("/keys")) == 2


def test_issuer_that_failed_is_asked_again_after_a_while(strict: OpenIdProvider, issuer: Issuer, clock: Clock) -> None:
    strict.broken.add("/keys")
    for _ in range(5):
        with pytest.raises(IssuerSilent, match="cannot be asked just now. Please try again"):
            issuer.metadata()
    assert len(strict.asked("/keys")) == 1
    strict.broken.clear()
    clock.now += 10
    assert issuer.metadata().issuer == strict.url


def test_issuer_with_a_document_without_end(strict: OpenIdProvider, issuer: Issuer) -> None:
    strict.keys = [{"kty": "RSA", "n": "A" * 300_000}]
    with pytest.raises(IssuerSilent):
        issuer.metadata()


def nested(token: str, part: int) -> str:
    """The token with JSON in one of its parts that is nested too deeply for a parser."""
    parts = token.split(".")
    parts[part] = "W1tb" * 3000  # [[[
    return ".".join(parts)


@pytest.mark.parametrize("spoilt", [
    lambda token: nested(token, 0), lambda token: nested(token, 1), lambda token: "", lambda token: "a.b.c",
    lambda token: token + ".x", lambda token: "ä.ö.ü", lambda token: token * 300])
def test_text_that_is_no_token(strict: OpenIdProvider, issuer: Issuer, spoilt: Callable[[str], str]) -> None:
    token = spoilt(signed(strict.access_token("ada", HERE)))
    assert claimed_issuer(token) in ("", strict.url)
    with pytest.raises(TokenRefused):
        issuer.access_token(token, HERE)


def test_expired_token_has_an_error_of_its_own(strict: OpenIdProvider, issuer: Issuer) -> None:
    now = int(time.time())
    with pytest.raises(TokenExpired):
        issuer.access_token(signed(strict.access_token("ada", HERE, exp=now - 60)), HERE)
    assert issuer.access_token(signed(strict.access_token("ada", HERE, exp=now - 5)), HERE), "clocks may differ a bit"
