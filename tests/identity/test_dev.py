"""Signing in without a password, at one's own machine alone."""
from dataclasses import replace

import pytest

from servicex.backends.identity.base import Identity, SignInFailed
from servicex.backends.identity.dev import DevProvider
from tests.identity.conftest import ATTEMPT, RETURN, query

HERE = [RETURN, "http://127.0.0.1:5000/auth-callback", "http://[::1]:5000/auth-callback"]
ELSEWHERE = ["https://servicex.example.org/auth-callback", "http://localhost.example.org/", "http://10.0.0.1/",
             "http://localhost@example.org/", "http://0.0.0.0/", "/auth-callback", "http://127.0.0.1.example.org/"]
ada = DevProvider("ada@example.org", 1)


@pytest.mark.parametrize("redirect_uri", HERE)
def test_person_signs_in_at_once(redirect_uri: str) -> None:
    url = ada.sign_in_url(redirect_uri, ATTEMPT)
    assert url.startswith(redirect_uri + "?") and query(url)["state"] == ATTEMPT.state
    assert ada.identify(redirect_uri, ATTEMPT, query(url)) == Identity(
        "dev-1", "dev|ada@example.org", "ada", "ada@example.org", "ada@example.org")
    assert ada.sign_out_url("http://localhost:5000/") is None


@pytest.mark.parametrize("redirect_uri", ELSEWHERE)
def test_nobody_signs_in_from_elsewhere(redirect_uri: str) -> None:
    with pytest.raises(SignInFailed, match="only at the machine"):
        ada.sign_in_url(redirect_uri, ATTEMPT)
    with pytest.raises(SignInFailed, match="only at the machine"):
        ada.identify(redirect_uri, ATTEMPT, {"code": ATTEMPT.nonce})


@pytest.mark.parametrize("code", ["", "another", "ä"])
def test_answer_to_another_attempt(code: str) -> None:
    with pytest.raises(SignInFailed, match="another attempt"):
        ada.identify(RETURN, ATTEMPT, {"code": code})
    with pytest.raises(SignInFailed, match="another attempt"):
        ada.identify(RETURN, replace(ATTEMPT, nonce="the next"), query(ada.sign_in_url(RETURN, ATTEMPT)))
