"""Access tokens of other issuers in place of ours."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from servicex.api.auth import NO_USER, PENDING
from servicex.models import UserIdentity
from tests.accounts.people import Site
from tests.identity.conftest import settings_for
from tests.identity.provider import OpenIdProvider, signed
from tests.identity.test_oidc import signed_with_the_public_key, unsigned

HERE = "https://servicex.example.org"
ANY = "https://wlcg.cern.ch/jwt/v1/any"


@pytest.fixture
def site(tmp_path: Path, strict: OpenIdProvider) -> Iterator[Site]:
    """A server that takes tokens of the strict provider, on which Bob has an account."""
    made = Site(tmp_path, OIDC_PROVIDERS=[settings_for(strict, audience=HERE).model_dump()],
                AUTO_APPROVE_DOMAINS=["cern.ch"])
    made.person("institute|bob")
    yield made
    made.close()


def answer(site: Site, token: str) -> Any:
    return site.ask("GET", "/servicex/transformation", token)


@pytest.mark.parametrize("audience", [HERE, [HERE], ["https://other.example.org", HERE]])
def test_good_token(site: Site, strict: OpenIdProvider, audience: Any) -> None:
    assert answer(site, signed(strict.access_token("bob", audience))).status_code == 200


def test_owner_of_the_token_sees_what_is_theirs(site: Site, strict: OpenIdProvider) -> None:
    token = signed(strict.access_token("bob", HERE))
    request_id = site.submit(token)
    assert answer(site, site.access_token("institute|bob")).json["requests"][0]["request_id"] == request_id
    assert site.ask("GET", "/users", token).status_code == 401, "Bob is no administrator"


def test_account_that_the_identity_is_linked_to(site: Site, strict: OpenIdProvider) -> None:
    eve = site.person("eve")
    with site.parts.transactions.write() as session:
        session.add(UserIdentity(sub="institute|eve", user_id=eve.id, provider="institute", email=""))
    assert answer(site, signed(strict.access_token("eve", HERE))).status_code == 200


def test_person_whose_domain_is_let_in_gets_an_account(site: Site, strict: OpenIdProvider) -> None:
    unproven = signed(strict.access_token("carol", HERE, email="carol@cern.ch"))
    assert answer(site, unproven).json["message"] == NO_USER
    token = signed(strict.access_token("carol", HERE, email="carol@cern.ch", email_verified=True))
    assert answer(site, token).status_code == 200
    assert site.parts.accounts.of_sub("institute|carol").verified_email == "carol@cern.ch"


def test_sub_without_the_name_of_the_provider_is_nobodys(site: Site, strict: OpenIdProvider) -> None:
    assert answer(site, signed(strict.access_token("ada", HERE))).json["message"] == NO_USER


@pytest.mark.parametrize("sub, approved, words", [("nobody", None, NO_USER), ("dave", False, PENDING)])
def test_people_who_may_not_come_in(site: Site, strict: OpenIdProvider, sub: str, approved: bool | None,
                                    words: str) -> None:
    if approved is not None:
        site.person(f"institute|{sub}", approved=approved)
    refused = answer(site, signed(strict.access_token(sub, HERE)))
    assert (refused.status_code, refused.json["message"]) == (401, words)


def refusal(site: Site, token: str) -> tuple[int, str]:
    refused = answer(site, token)
    assert set(refused.json) == {"message", "msg"} and refused.json["msg"] == refused.json["message"]
    return refused.status_code, refused.json["msg"]


def test_expired_token(site: Site, strict: OpenIdProvider) -> None:
    assert refusal(site, signed(strict.access_token("bob", HERE, exp=1))) == (401, "Token has expired")


@pytest.mark.parametrize("change", [
    {"aud": "https://other.example.org"}, {"aud": ANY}, {"aud": []}, {"aud": {}}, {"aud": None}, {"exp": None},
    {"exp": "tomorrow"}, {"nbf": 9_999_999_999}, {"sub": None}, {"sub": 7}, {"sub": ""}, {"sub": "a\nb"},
    {"sub": "s" * 400}], ids=str)
def test_token_that_is_not_for_this_server(site: Site, strict: OpenIdProvider, change: dict[str, Any]) -> None:
    claims = {**strict.access_token("bob", HERE), **change}
    status, words = refusal(site, signed({name: value for name, value in claims.items() if value is not None}))
    assert status == 422 and "Traceback" not in words and "\n" not in words


@pytest.mark.parametrize("forge", [
    unsigned, signed_with_the_public_key, lambda claims: signed(claims, "stranger"),
    lambda claims: signed(claims, "stranger", kid="first"), lambda claims: signed(claims, kid="unknown"),
    lambda claims: jwt.encode(claims, "the client's secret, which is long enough", algorithm="HS256"),
    lambda claims: signed(claims)[:-8] + "AAAAAAAA"])
def test_token_that_the_issuer_did_not_sign(site: Site, strict: OpenIdProvider, forge: Any) -> None:
    assert refusal(site, forge(strict.access_token("bob", HERE)))[0] == 422


def test_any_audience_where_the_site_says_so(tmp_path: Path, strict: OpenIdProvider) -> None:
    site = Site(tmp_path, OIDC_PROVIDERS=[settings_for(strict, audience=ANY).model_dump()])
    site.person("institute|bob")
    assert answer(site, signed(strict.access_token("bob", ANY))).status_code == 200
    site.close()


def test_issuers_that_are_not_configured_are_not_asked(tmp_path: Path, strict: OpenIdProvider) -> None:
    site = Site(tmp_path, OIDC_PROVIDERS=[settings_for(strict).model_dump()])
    site.person("institute|bob")
    assert refusal(site, signed(strict.access_token("bob", HERE)))[0] == 422
    assert not strict.requests
    site.close()


def test_our_own_tokens_are_good_while_the_issuer_is_down(site: Site, strict: OpenIdProvider) -> None:
    token = signed(strict.access_token("bob", HERE))
    strict.close()
    away = answer(site, token)
    assert away.status_code == 503 and "cannot be asked just now" in away.json["message"]
    assert answer(site, site.access_token("institute|bob")).status_code == 200


def test_token_of_an_issuer_is_no_api_token(site: Site, strict: OpenIdProvider) -> None:
    token = signed(strict.access_token("bob", HERE, type="refresh"))
    assert site.ask("POST", "/token/refresh", token).status_code == 422


@pytest.mark.parametrize("token", ["W1tb" * 3000 + ".e30.AAAA", "eyJhbGciOiJIUzI1NiJ9." + "W1tb" * 30000 + ".AAAA"])
def test_token_that_is_nested_too_deeply(site: Site, token: str) -> None:
    assert refusal(site, token)[0] == 422
