"""Tokens: what is kept of them, what is said of bad ones, and those of earlier servers."""
import time
from typing import Any

import jwt
import pytest
from sqlalchemy import select, update

from servicex.api.auth import ADMINS_ONLY, NO_USER, OUTDATED, PENDING
from servicex.errors import NotFound
from servicex.models import ApiToken
from servicex.models.base import now
from servicex.services.caller import COMMAND_LINE
from tests.accounts.people import KEY, Site


def renewed(site: Site, token: str) -> Any:
    return site.ask("POST", "/token/refresh", token)


def test_api_token_gives_access(site: Site) -> None:
    token = site.api_token(site.person("bob"))
    answer = renewed(site, token)
    assert answer.status_code == 200 and set(answer.json) == {"access_token"}
    claims = jwt.decode(answer.json["access_token"], KEY, algorithms=["HS256"])
    assert claims["sub"] == "bob" and claims["type"] == "access" and claims["exp"] > time.time() + 3600
    assert "exp" not in jwt.decode(token, KEY, algorithms=["HS256"]), "good until it is revoked"
    assert site.ask("GET", "/servicex/transformation", answer.json["access_token"]).status_code == 200


def test_only_a_digest_of_it_is_kept(site: Site) -> None:
    token = site.api_token(site.person("bob"))
    with site.parts.transactions.read() as session:
        (kept,) = session.scalars(select(ApiToken)).all()
    assert token not in str(vars(kept)) and len(kept.digest) == 64 and kept.name == "laptop"


def test_revoked_token_is_refused_and_others_are_not(site: Site) -> None:
    bob = site.person("bob")
    first, second = site.api_token(bob), site.api_token(bob)
    (kept, _) = site.parts.api_tokens.of_user(bob.id)
    site.parts.api_tokens.revoke(COMMAND_LINE, bob.id, kept.id)
    refused = renewed(site, first)
    assert (refused.status_code, refused.json["message"]) == (401, OUTDATED)
    assert renewed(site, second).status_code == 200
    with pytest.raises(NotFound):
        site.parts.api_tokens.revoke(COMMAND_LINE, bob.id, kept.id)
    with pytest.raises(NotFound):
        site.parts.api_tokens.revoke(COMMAND_LINE, site.person("eve").id, site.parts.api_tokens.of_user(bob.id)[0].id)


def test_token_that_was_never_handed_out(site: Site) -> None:
    site.person("bob")
    forged = jwt.encode({"sub": "bob", "type": "refresh", "jti": "x"}, KEY, algorithm="HS256")
    assert renewed(site, forged).status_code == 401


def test_token_that_has_expired_in_the_database(site: Site) -> None:
    token = site.api_token(site.person("bob"))
    with site.parts.transactions.write() as session:
        session.execute(update(ApiToken).values(expires_at=now()))
    assert renewed(site, token).status_code == 401


def test_last_use_is_noted(site: Site) -> None:
    bob = site.person("bob")
    token = site.api_token(bob)
    assert site.parts.api_tokens.of_user(bob.id)[0].last_used_at is None
    renewed(site, token)
    assert site.parts.api_tokens.of_user(bob.id)[0].last_used_at is not None


def test_pending_people_get_no_access(site: Site) -> None:
    answer = renewed(site, site.api_token(site.person("bob", approved=False)))
    assert (answer.status_code, answer.json["message"]) == (401, PENDING)


def test_changes_of_an_account_act_at_once(site: Site) -> None:
    bob = site.person("bob")
    access = site.access_token("bob")
    assert site.ask("GET", "/users", access).json["message"] == ADMINS_ONLY
    site.parts.accounts.set_admin(COMMAND_LINE, bob.id, True)
    assert site.ask("GET", "/users", access).status_code == 200
    site.parts.accounts.set_admin(COMMAND_LINE, bob.id, False)
    assert site.ask("GET", "/users", access).status_code == 401
    site.parts.accounts.delete(COMMAND_LINE, bob.id)
    answer = site.ask("GET", "/servicex/transformation", access)
    assert (answer.status_code, answer.json["message"]) == (401, NO_USER)


@pytest.mark.parametrize("header, status, words", [
    (None, 401, "Missing Authorization Header"),
    ("Basic abc", 401, "Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'"),
    ("Bearer", 422, "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'"),
    ("Bearer abc", 422, "Not enough segments"),
    (f"Bearer {jwt.encode({'sub': 'bob', 'exp': 1}, KEY, algorithm='HS256')}", 401, "Token has expired"),
    (f"Bearer {jwt.encode({'sub': 'bob'}, KEY[::-1], algorithm='HS256')}", 422, "Signature verification failed"),
    (f"Bearer {jwt.encode({'sub': 'bob', 'type': 'refresh'}, KEY, algorithm='HS256')}", 422,
     "Only non-refresh tokens are allowed"),
    (f"Bearer {jwt.encode({'jti': 'x'}, KEY, algorithm='HS256')}", 422, "Missing claim: sub"),
    (f"Bearer {jwt.encode({'sub': 'bob'}, None, algorithm='none')}", 422, None)])
def test_words_and_status_of_failures(site: Site, header: str | None, status: int, words: str | None) -> None:
    site.person("bob")
    answer = site.client.get("/servicex/transformation", headers={"Authorization": header} if header else {})
    assert answer.status_code == status
    assert answer.json["message"] == answer.json["msg"] == (words or answer.json["msg"])


@pytest.mark.parametrize("claim", ["sub", "identity"])
def test_tokens_of_earlier_servers_still_work(site: Site, claim: str) -> None:
    """2024 says `sub`, 2022 said `identity`; both are signed with the key that JWT_SECRET_KEY names."""
    bob = site.person("bob")
    token = jwt.encode({claim: "bob", "type": "refresh", "jti": "x", "iat": 1, "nbf": 1}, KEY, algorithm="HS256")
    site.parts.api_tokens.keep(COMMAND_LINE, bob.id, token, "from the earlier server")
    assert renewed(site, token).status_code == 200
    access = jwt.encode({claim: "bob", "type": "access", "jti": "x", "exp": time.time() + 60}, KEY, algorithm="HS256")
    assert site.ask("GET", "/servicex/transformation", access).status_code == 200
    assert site.ask("GET", "/servicex/transformation", token).status_code == 422


def test_without_accounts_everybody_is_let_in(tmp_path: Any) -> None:
    site = Site(tmp_path / "open", **{})
    site.close()
    from servicex import create_app
    from servicex.settings import load
    app = create_app(load(DATA_DIRECTORY=tmp_path / "open"))
    with app.app_context():
        assert app.test_client().get("/users").status_code == 200
        assert app.test_client().get("/servicex/transformation").status_code == 200
        app.extensions["servicex"].close()
