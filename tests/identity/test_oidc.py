"""Signing in at a provider of OpenID Connect, and all that makes a sign-in not count."""
import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from servicex.backends.identity.base import Identity, SignInFailed
from tests.identity.conftest import ATTEMPT, RETURN, answer_at, query, settings_for, signs_in_at
from tests.identity.provider import Claims, OpenIdProvider, challenge, jwk, rsa_key, signed
from tests.identity.standard import StandardProvider

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "email_verified": True}
UNPROVEN = "did not confirm who you are"


def signed_in(provider: OpenIdProvider, **settings: Any) -> Identity:
    """Who the server takes the person for that the provider sends back."""
    ours = signs_in_at(provider, **settings)
    return ours.identify(RETURN, ATTEMPT, answer_at(ours.sign_in_url(RETURN, ATTEMPT)))


@pytest.fixture
def ada(strict: OpenIdProvider) -> OpenIdProvider:
    """The provider, where Ada signs in."""
    strict.people["1815"], strict.person = ADA, "1815"
    return strict


def test_person_signs_in(ada: OpenIdProvider) -> None:
    assert signed_in(ada) == Identity("institute", "institute|1815", "Ada Lovelace", "ada@example.org",
                                      "ada@example.org")
    assert not ada.asked(ada.userinfo), "the identity token said it all"


def test_person_signs_in_at_a_provider_of_somebody_else(standard: StandardProvider) -> None:
    standard.add_person("1815", **ADA)
    ours = signs_in_at(standard)
    back = standard.sign_in(ours.sign_in_url(RETURN, ATTEMPT), "1815")
    assert query(back)["state"] == ATTEMPT.state
    assert ours.identify(RETURN, ATTEMPT, query(back)) == Identity(
        "institute", "institute|1815", "Ada Lovelace", "ada@example.org", "ada@example.org")


def test_what_the_browser_is_sent_with(ada: OpenIdProvider) -> None:
    asked = query(signs_in_at(ada).sign_in_url(RETURN, ATTEMPT))
    assert asked == {
        "response_type": "code", "client_id": ada.client_id, "redirect_uri": RETURN, "scope": "openid profile email",
        "state": ATTEMPT.state, "nonce": ATTEMPT.nonce, "code_challenge": challenge(ATTEMPT.verifier),
        "code_challenge_method": "S256"}


def test_client_without_a_secret(ada: OpenIdProvider) -> None:
    ada.client_secret = ""
    assert signed_in(ada).name == "Ada Lovelace"


def test_client_with_a_wrong_secret(ada: OpenIdProvider) -> None:
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada, client_secret="another")


def test_name_and_address_are_asked_for_if_the_token_has_none(ada: OpenIdProvider) -> None:
    ada.in_id_token = False
    assert signed_in(ada) == Identity("institute", "institute|1815", "Ada Lovelace", "ada@example.org",
                                      "ada@example.org")


def test_user_info_of_somebody_else(ada: OpenIdProvider) -> None:
    ada.in_id_token = False
    ada.people["1815"] = {**ADA, "sub": "another"}
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada)


@pytest.mark.parametrize("in_token, in_userinfo", [
    ({"email": "ada@example.org"}, {"email": "eve@example.org", "email_verified": False}),
    ({"email_verified": True}, {"email": "eve@example.org"}),
    ({"email": "ada@example.org", "email_verified": True}, {"email": "eve@example.org"}),
    ({"email": "eve@example.org"}, {"email_verified": True})])
def test_one_address_is_not_verified_by_what_is_said_of_another(ada: OpenIdProvider, in_token: Claims,
                                                                in_userinfo: Claims) -> None:
    ada.in_id_token = False
    ada.people["1815"] = in_userinfo
    ada.changed = lambda claims: {**claims, **in_token}
    assert signed_in(ada).verified_email == ""


@pytest.mark.parametrize("said", [False, None, "true", 1, "yes"])
def test_unverified_address_is_only_an_address(ada: OpenIdProvider, said: Any) -> None:
    ada.people["1815"] = {**ADA, "email_verified": said}
    assert (signed_in(ada).email, signed_in(ada).verified_email) == ("ada@example.org", "")


def test_address_counts_as_verified_where_the_site_trusts_the_provider(ada: OpenIdProvider) -> None:
    ada.people["1815"] = {"email": "ada@example.org"}
    assert signed_in(ada, trusts_email=True).verified_email == "ada@example.org"


def test_address_in_other_letters_is_never_verified(ada: OpenIdProvider) -> None:
    """Its lower case is that of somebody else: rights are compared in lower case."""
    kelvin = "fran\N{KELVIN SIGN}@example.org"
    assert kelvin.lower() == "frank@example.org"
    ada.people["1815"] = {**ADA, "email": kelvin}
    assert (signed_in(ada).email, signed_in(ada).verified_email) == (kelvin, "")


@pytest.mark.parametrize("said", [
    None, 7, ["ada@example.org"], "ada", "a@b@c", "ada @example.org", "ada@example.org\n", "\0@example.org",
    "a" * 320 + "@example.org"])
def test_what_is_no_address(ada: OpenIdProvider, said: Any) -> None:
    ada.people["1815"] = {**ADA, "email": said}
    assert (signed_in(ada).email, signed_in(ada).verified_email) == ("", "")


@pytest.mark.parametrize("said, kept", [
    ("Ada\r\nSet-Cookie: x\0", "AdaSet-Cookie: x"), ("A" * 1000, "A" * 120), (["Ada"], ""), ("\ud800Ada", "Ada"),
    (" Ada ", "Ada")])
def test_names_are_kept_on_one_line_and_short(ada: OpenIdProvider, said: Any, kept: str) -> None:
    ada.people["1815"] = {**ADA, "name": said}
    assert signed_in(ada).name == kept


@pytest.mark.parametrize("said, kept", [
    ("atlas", ("atlas",)), (["atlas", "cms", "atlas"], ("atlas", "cms")), ({"a": 1}, ()), (None, ()),
    (["x" * 257, 7, "", "a\nb", "cms"], ("cms",)),
    ([f"g{number}" for number in range(5000)], tuple(f"g{number}" for number in range(1000)))])
def test_groups_and_institution(ada: OpenIdProvider, said: Any, kept: tuple[str, ...]) -> None:
    ada.people["1815"] = {**ADA, "wlcg.groups": said, "home": "CERN"}
    identity = signed_in(ada, groups_claim="wlcg.groups", institution_claim="home")
    assert (identity.groups, identity.institution) == (kept, "CERN")


@pytest.mark.parametrize("sub", ["s" * 311, "a\nb", "\0"])
def test_sub_that_cannot_be_kept(ada: OpenIdProvider, sub: str) -> None:
    ada.changed = lambda claims: {**claims, "sub": sub}
    with pytest.raises(SignInFailed, match="cannot keep"):
        signed_in(ada)


def test_longest_sub(ada: OpenIdProvider) -> None:
    ada.changed = lambda claims: {**claims, "sub": "s" * 310}
    assert len(signed_in(ada).sub) == 320


def test_code_is_good_once(ada: OpenIdProvider) -> None:
    ours = signs_in_at(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ours.identify(RETURN, ATTEMPT, answer)
    with pytest.raises(SignInFailed, match=UNPROVEN):
        ours.identify(RETURN, ATTEMPT, answer)


@pytest.mark.parametrize("other", [replace(ATTEMPT, verifier="v" * 43), replace(ATTEMPT, nonce="another")])
def test_answer_to_another_attempt(ada: OpenIdProvider, other: Any) -> None:
    ours = signs_in_at(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    with pytest.raises(SignInFailed, match=UNPROVEN):
        ours.identify(RETURN, other, answer)


def unsigned(claims: Claims) -> str:
    return jwt.encode(claims, None, algorithm="none")


def signed_with_the_public_key(claims: Claims) -> str:
    """As a secret of HS256: who does not look at the algorithm takes it."""
    public = rsa_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "first"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(public, text, hashlib.sha256).digest()
    return b".".join([text, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def with_a_key_of_its_own(claims: Claims) -> str:
    return jwt.encode(claims, rsa_key("stranger"), algorithm="RS256", headers={"jwk": jwk("stranger"), "kid": "first"})


@pytest.mark.parametrize("forged", [
    unsigned, signed_with_the_public_key, with_a_key_of_its_own,
    lambda claims: signed(claims, "stranger"), lambda claims: signed(claims, "stranger", kid="first"),
    lambda claims: signed(claims)[:-8] + "AAAAAAAA", lambda claims: "no token", lambda claims: "..", lambda claims: "",
    lambda claims: 7])
def test_token_that_the_provider_did_not_sign(ada: OpenIdProvider, forged: Callable[[Claims], Any]) -> None:
    ada.token = forged
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada)


@pytest.mark.parametrize("change", [
    {"aud": "another"}, {"aud": ["another"]}, {"aud": ["the-client", "another"]}, {"aud": None}, {"aud": {}},
    {"aud": "another", "azp": "the-client"}, {"aud": ["the-client", "another"], "azp": "another"}, {"azp": "another"},
    {"exp": 1},
    {"exp": "tomorrow"}, {"exp": None}, {"iss": "https://another.example.org"}, {"iss": None}, {"nonce": "another"},
    {"nonce": None}, {"nbf": 9_999_999_999}, {"iat": 9_999_999_999}, {"iat": None}, {"sub": None},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}], ids=str)
def test_token_that_is_not_for_this_sign_in(ada: OpenIdProvider, change: Claims) -> None:
    ada.changed = lambda claims: {name: value for name, value in {**claims, **change}.items() if value is not None}
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada)


def test_token_for_several_audiences_that_names_this_client(ada: OpenIdProvider) -> None:
    ada.changed = lambda claims: {**claims, "aud": ["another", "the-client"], "azp": "the-client"}
    assert signed_in(ada).name == "Ada Lovelace"


def test_provider_changes_its_key(ada: OpenIdProvider) -> None:
    ada.keys = [jwk("second"), {"kty": "oct", "k": "AAAA"}, {"kty": ["RSA"]}, {}]
    ada.token = lambda claims: signed(claims, "second")
    assert signed_in(ada).name == "Ada Lovelace"


def test_answer_of_another_provider(ada: OpenIdProvider) -> None:
    ours = signs_in_at(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    with pytest.raises(SignInFailed, match="did not come from The institute"):
        ours.identify(RETURN, ATTEMPT, {**answer, "iss": "https://another.example.org"})
    assert ours.identify(RETURN, ATTEMPT, {**answer, "iss": ada.url}).name == "Ada Lovelace"


@pytest.mark.parametrize("answer", [{}, {"code": ""}, {"code": "c" * 5000}, {"code": "another"}])
def test_answer_without_a_good_code(strict: OpenIdProvider, answer: dict[str, str]) -> None:
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signs_in_at(strict).identify(RETURN, ATTEMPT, answer)


def test_provider_that_is_another(ada: OpenIdProvider) -> None:
    ada.issuer = "https://another.example.org"
    with pytest.raises(SignInFailed, match="cannot be asked just now"):
        signed_in(ada)


@pytest.mark.parametrize("change", [
    {"authorization_endpoint": "javascript:alert(1)"}, {"jwks_uri": "file:///etc/passwd"}, {"token_endpoint": None}])
def test_provider_with_strange_endpoints(ada: OpenIdProvider, monkeypatch: pytest.MonkeyPatch, change: Claims) -> None:
    said = {**ada.metadata(), **change}
    monkeypatch.setattr(ada, "metadata", lambda: said)
    with pytest.raises(SignInFailed, match="cannot be asked just now"):
        signed_in(ada)


def test_provider_that_is_down(ada: OpenIdProvider, caplog: pytest.LogCaptureFixture) -> None:
    ours = signs_in_at(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ada.close()
    began = time.monotonic()
    for sign_in in (lambda: ours.identify(RETURN, ATTEMPT, answer),
                    lambda: signs_in_at(ada).sign_in_url(RETURN, ATTEMPT)):
        with pytest.raises(SignInFailed, match="The institute cannot be asked just now"):
            sign_in()
    assert time.monotonic() - began < 8
    assert signs_in_at(ada).sign_out_url("http://localhost:5000/") is None
    assert caplog.records and not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"])
def test_provider_that_is_slow(ada: OpenIdProvider, path: str) -> None:
    ada.in_id_token = False
    ours = signs_in_at(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ada.hanging.add(path)
    began = time.monotonic()
    with pytest.raises(SignInFailed, match="cannot be asked just now"):
        signs_in_at(ada, 0.3).identify(RETURN, ATTEMPT, answer)
    assert time.monotonic() - began < 8


def test_failing_provider_is_not_asked_again_at_once(strict: OpenIdProvider) -> None:
    strict.issuer = "https://another.example.org"
    ours = signs_in_at(strict)
    for _ in range(3):
        with pytest.raises(SignInFailed):
            ours.sign_in_url(RETURN, ATTEMPT)
    assert len(strict.asked("/.well-known/openid-configuration")) == 1


def test_no_secret_is_logged(ada: OpenIdProvider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ada.changed = lambda claims: {**claims, "aud": "another"}
    with pytest.raises(SignInFailed) as failure:
        signed_in(ada)
    said = caplog.text + failure.value.message
    assert "institute" in said
    for secret in (ada.client_secret, *ada.valid_tokens, ATTEMPT.verifier, ATTEMPT.nonce):
        assert secret not in said
    assert ada.client_secret not in repr(settings_for(ada))


def test_sign_out_page(strict: OpenIdProvider) -> None:
    url = signs_in_at(strict).sign_out_url("http://localhost:5000/?a=b&c=d")
    assert url and url.startswith(strict.url + strict.sign_out)
    assert query(url) == {"client_id": strict.client_id, "post_logout_redirect_uri": "http://localhost:5000/?a=b&c=d"}
