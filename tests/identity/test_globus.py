"""Signing in with Globus."""
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests

from servicex.backends.identity.base import Identity, SignInFailed
from tests.identity.conftest import ATTEMPT, RETURN, answer_at, query, signs_in_at_globus
from tests.identity.globus import Globus
from tests.identity.provider import Claims, challenge, signed

ADA, LINKED = "b8c5d9ae-1d7f-4a63-9a5b-3f2f1a0c8d11", "0f5e7c1a-6a53-4f6e-8d0e-6ad2b9d7c222"
UNPROVEN = "Globus did not confirm who you are"


@pytest.fixture
def ada(globus: Globus) -> Globus:
    """Globus, where Ada signs in."""
    globus.people[ADA] = {"name": "Ada Lovelace", "email": "ada@example.org", "organization": "Analytical Society",
                          "preferred_username": "ada@globusid.org"}
    globus.person = ADA
    return globus


def signed_in(globus: Globus) -> Identity:
    """Who the server takes the person for whom Globus sends back."""
    ours = signs_in_at_globus(globus)
    return ours.identify(RETURN, ATTEMPT, answer_at(ours.sign_in_url(RETURN, ATTEMPT)))


def test_person_signs_in(ada: Globus) -> None:
    ada.linked[ADA] = [LINKED]
    assert signed_in(ada) == Identity("globus", ADA, "Ada Lovelace", "ada@example.org", "ada@example.org",
                                      "Analytical Society", (LINKED,))


def test_no_token_stays_good(ada: Globus) -> None:
    signed_in(ada)
    assert len(ada.revoked) == 1 and not ada.valid_tokens


def test_what_the_browser_is_sent_with(ada: Globus) -> None:
    url = signs_in_at_globus(ada).sign_in_url(RETURN, ATTEMPT)
    assert url.startswith(ada.url + "/v2/oauth2/authorize?")
    assert query(url) == {
        "response_type": "code", "client_id": ada.client_id, "redirect_uri": RETURN, "scope": "openid profile email",
        "state": ATTEMPT.state, "nonce": ATTEMPT.nonce, "code_challenge": challenge(ATTEMPT.verifier),
        "code_challenge_method": "S256", "access_type": "online"}


def test_address_of_a_linked_identity_proves_nothing(ada: Globus) -> None:
    """Rights hang on the address of the primary identity alone; here it has none."""
    ada.linked[ADA], ada.people[LINKED] = [LINKED], {"email": "admin@example.org"}
    ada.people[ADA] = {"name": "Ada Lovelace"}
    identity = signed_in(ada)
    assert (identity.email, identity.verified_email, identity.linked) == ("", "", (LINKED,))


def test_user_info_of_somebody_else(ada: Globus) -> None:
    ada.people[ADA] = {"sub": LINKED, "email": "admin@example.org"}
    ada.in_id_token = False
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada)


def test_sub_that_looks_like_that_of_another_provider(ada: Globus) -> None:
    ada.person = "institute|1815"
    with pytest.raises(SignInFailed, match="cannot keep"):
        signed_in(ada)


def test_code_is_good_once(ada: Globus) -> None:
    ours = signs_in_at_globus(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ours.identify(RETURN, ATTEMPT, answer)
    with pytest.raises(SignInFailed, match=UNPROVEN):
        ours.identify(RETURN, ATTEMPT, answer)


@pytest.mark.parametrize("other", [replace(ATTEMPT, verifier="v" * 43), replace(ATTEMPT, nonce="another")])
def test_answer_to_another_attempt(ada: Globus, other: Any) -> None:
    ours = signs_in_at_globus(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    with pytest.raises(SignInFailed, match=UNPROVEN):
        ours.identify(RETURN, other, answer)
    assert not ada.valid_tokens


def test_client_with_a_wrong_secret(ada: Globus) -> None:
    ours = signs_in_at_globus(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ada.client_secret = "changed"
    with pytest.raises(SignInFailed, match=UNPROVEN):
        ours.identify(RETURN, ATTEMPT, answer)


@pytest.mark.parametrize("change", [
    {"aud": "another"}, {"exp": 1}, {"iss": "https://auth.example.org"}, {"nonce": "another"}],
    ids=str)
def test_token_that_is_not_for_this_sign_in(ada: Globus, change: Claims) -> None:
    ada.changed = lambda claims: {**claims, **change}
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada)
    assert not ada.valid_tokens, "the access token is revoked all the same"


@pytest.mark.parametrize("forged", [lambda claims: signed(claims, "stranger", algorithm="RS512"), lambda claims: "x"])
def test_token_that_globus_did_not_sign(ada: Globus, forged: Callable[[Claims], str]) -> None:
    ada.token = forged
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signed_in(ada)


@pytest.mark.parametrize("answer", [{}, {"code": "another"}])
def test_answer_without_a_good_code(ada: Globus, answer: dict[str, str]) -> None:
    with pytest.raises(SignInFailed, match=UNPROVEN):
        signs_in_at_globus(ada).identify(RETURN, ATTEMPT, answer)


def test_token_that_cannot_be_revoked_does_not_spoil_the_sign_in(ada: Globus, caplog: pytest.LogCaptureFixture) -> None:
    ada.broken.add(ada.revoke)
    assert signed_in(ada).sub == ADA
    assert "could not be revoked" in caplog.text and len(ada.asked(ada.revoke)) == 2, "tried once more, then given up"


def test_globus_is_down(ada: Globus, caplog: pytest.LogCaptureFixture) -> None:
    ours = signs_in_at_globus(ada)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ada.close()
    began = time.monotonic()
    with pytest.raises(SignInFailed, match="Globus cannot be asked just now"):
        ours.identify(RETURN, ATTEMPT, answer)
    assert time.monotonic() - began < 8
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("path", [
    "/v2/oauth2/token", "/jwk.json", "/v2/oauth2/userinfo", "/v2/oauth2/token/introspect"])
def test_globus_is_slow(ada: Globus, path: str) -> None:
    ours = signs_in_at_globus(ada, 0.3)
    answer = answer_at(ours.sign_in_url(RETURN, ATTEMPT))
    ada.hanging.add(path)
    began = time.monotonic()
    with pytest.raises(SignInFailed, match="Globus cannot be asked just now"):
        ours.identify(RETURN, ATTEMPT, answer)
    assert time.monotonic() - began < 8


def test_sign_out_page(ada: Globus) -> None:
    url = signs_in_at_globus(ada).sign_out_url("http://localhost:5000/?a=b&c=d")
    assert url == (f"{ada.url}/v2/web/logout?client={ada.client_id}"
                   "&redirect_uri=http%3A%2F%2Flocalhost%3A5000%2F%3Fa%3Db%26c%3Dd&redirect_name=ServiceX+Portal")
    assert requests.get(url, timeout=10).ok
