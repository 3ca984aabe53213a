"""Accounts of a file: made at the start, once, never by a shell."""
import json
import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from sqlalchemy import NullPool, create_engine, select, text

from servicex.errors import ServiceXError
from servicex.models import ApiToken, AuditEntry, User
from servicex.services import default_users
from servicex.services.accounts import AccountService, Profile
from servicex.services.caller import COMMAND_LINE
from servicex.services.default_users import DefaultUsers
from servicex.services.notices import Notices
from servicex.services.transactions import Transactions
from servicex.settings import InvalidSettings, load
from servicex.wiring import make_default_users
from tests.accounts.people import ADMIN_EMAIL, KEY, Site
from tests.databases import migrated
from tests.notices.world import World
from tests.running_server import COMMAND, RunningServer, free_port


def token(sub: str, claim: str = "sub") -> str:
    """An API token of an earlier server."""
    return jwt.encode({claim: sub, "type": "refresh", "jti": sub, "iat": 1, "nbf": 1}, KEY, algorithm="HS256")


def entry(sub: str, **changes: Any) -> dict[str, Any]:
    return {"sub": sub, "email": f"{sub}@example.org", "name": sub.capitalize(), "institution": "CERN",
            "refresh_token": token(sub), **changes}


def make(site: Site, path: Path, content: Any) -> None:
    """Start a server on that database, with the file, as far as its default users."""
    path.write_text(json.dumps(content))
    make_default_users(load(DEFAULT_USERS_FILE=path, JWT_ADMIN=ADMIN_EMAIL), site.parts.transactions)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


@pytest.mark.parametrize("claim", ["sub", "identity"])
def test_existing_file_makes_accounts_whose_tokens_work(anywhere: World, file: Path, claim: str) -> None:
    make(anywhere.site, file, [entry("bob", refresh_token=token("bob", claim)), entry("eve", refresh_token="")])
    bob, eve = anywhere.user("bob"), anywhere.user("eve")
    assert bob and eve and (bob.name, bob.institution, bob.verified_email) == ("Bob", "CERN", "bob@example.org")
    assert (bob.pending, bob.admin, eve.pending, eve.admin) == (False, False, True, False)
    answer = anywhere.site.ask("POST", "/token/refresh", token("bob", claim))
    assert answer.status_code == 200
    access = answer.json["access_token"]
    assert anywhere.site.ask("GET", "/servicex/transformation", access).status_code == 200
    assert anywhere.rows() == [], "nobody is told of what the operator did"
    with anywhere.site.parts.transactions.read() as session:
        made = session.scalars(select(AuditEntry.subject).where(AuditEntry.who == default_users.CALLER.name)).all()
    assert made == ["Bob (bob@example.org)", "Eve (eve@example.org)"]


def test_address_of_the_administrator_makes_one(tmp_path: Path, file: Path) -> None:
    with migrated(f"sqlite:///{tmp_path}/db") as engine:
        transactions = Transactions(engine)
        file.write_text(json.dumps([entry("ada", email=ADMIN_EMAIL, refresh_token=""), entry("bob")]))
        make_default_users(load(DEFAULT_USERS_FILE=file, JWT_ADMIN=ADMIN_EMAIL), transactions)
        with transactions.read() as session:
            assert {user.sub: (user.admin, user.pending) for user in session.scalars(select(User))} == {
                "ada": (True, False), "bob": (False, False)}


def test_existing_accounts_are_left_alone(anywhere: World, file: Path) -> None:
    site = anywhere.site
    site.person("bob", approved=False)
    site.parts.accounts.create(COMMAND_LINE, "other", Profile("Other", "eve@example.org"))
    for _ in range(2):
        make(site, file, [entry("bob", name="Somebody"), entry("eve"), entry("mal")])
    bob = anywhere.user("bob")
    assert bob and bob.name == "Bob" and bob.pending and anywhere.user("eve") is None and anywhere.user("mal")
    with site.parts.transactions.read() as session:
        assert len(session.scalars(select(ApiToken)).all()) == 1


def test_revoked_token_of_the_file_stays_revoked(here: World, file: Path) -> None:
    make(here.site, file, [entry("bob")])
    bob = here.user("bob")
    assert bob is not None
    (kept,) = here.site.parts.api_tokens.of_user(bob.id)
    here.site.parts.api_tokens.revoke(COMMAND_LINE, bob.id, kept.id)
    make(here.site, file, [entry("bob")])
    assert here.site.ask("POST", "/token/refresh", token("bob")).status_code == 401


def test_servers_that_start_together(anywhere: World, file: Path) -> None:
    file.write_text(json.dumps([entry(f"p{number}") for number in range(10)]))
    users, transactions = default_users.read(file), anywhere.site.parts.transactions
    failures: list[Exception] = []
    ready = threading.Barrier(4)

    def start() -> None:
        ready.wait()
        try:
            DefaultUsers(transactions, AccountService(transactions, Notices())).make(users)
        except Exception as error:
            failures.append(error)
    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with transactions.read() as session:
        assert len(session.scalars(select(ApiToken)).all()) == 10


def test_missing_file_is_none(tmp_path: Path) -> None:
    assert default_users.read(tmp_path / "none.json") == ()


@pytest.mark.parametrize("content, words", [
    ("[{", "Invalid JSON"), ("{}", "valid array"), ("", "Invalid JSON"),
    ([entry("bob"), {**entry("eve"), "email": "no address"}], "entry 2: email"),
    ([entry("bob"), "eve"], "entry 2"),
    ([{key: value for key, value in entry("bob").items() if key != "refresh_token"}], "entry 1: refresh_token: Field"),
    ([entry("bob", name=7)], "entry 1: name"), ([entry("")], "entry 1: sub"),
    ([entry("x" * 321)], "entry 1: sub"), ([entry("bob", name="a\0")], "entry 1: name"),
    ([entry("bob", email="bob@example.org\n")], "entry 1: email"), ([entry("bob", name="x" * 121)], "entry 1: name"),
    ([entry("bob"), entry("eve"), entry("bob", email="b@c.d", refresh_token="")], "entry 1: another .* sub"),
    ([entry("bob"), entry("eve", email="BOB@example.org")], "entry 1: another .* email"),
    ([entry("bob"), entry("eve", refresh_token=token("bob"))], "entry 1: another .* refresh_token")])
def test_file_that_is_wrong_is_said(file: Path, content: Any, words: str) -> None:
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InvalidSettings, match=words) as caught:
        default_users.read(file)
    assert str(file) in str(caught.value) and token("bob") not in str(caught.value)


def test_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cannot be read"):
        default_users.read(tmp_path)


def test_token_of_another_account_is_said(here: World, file: Path) -> None:
    make(here.site, file, [entry("bob")])
    with pytest.raises(ServiceXError, match="eve"):
        make(here.site, file, [entry("eve", refresh_token=token("bob"))])
    assert here.user("eve") is None


def hostile(folder: Path) -> Sequence[dict[str, Any]]:
    """What a shell would do something with."""
    touch = f"touch {folder}/pwned"
    return [entry(f"s'; {touch}; '", email="bob@example.org", name=f"$({touch})", institution=f"`{touch}`"),
            entry("--help", name=f"'; {touch} #", institution=f"\"; {touch}; \"", refresh_token="")]


def test_shell_metacharacters_are_names(tmp_path: Path, file: Path) -> None:
    """A15: an earlier server put all of it into a command line."""
    file.write_text(json.dumps(hostile(tmp_path)))
    server = RunningServer(tmp_path / "data", [tmp_path], environment={
        "DEFAULT_USERS_FILE": str(file), "ENABLE_AUTH": "True", "JWT_SECRET_KEY": KEY})
    with server:
        sub = str(hostile(tmp_path)[0]["sub"])
        answer = requests.post(f"{server.address}/token/refresh", timeout=30, headers={
            "Authorization": f"Bearer {token(sub)}"})
        assert answer.status_code == 200, answer.text
    with migrated(f"sqlite:///{tmp_path}/data/servicex.sqlite") as engine, engine.connect() as connection:
        rows = connection.execute(text("SELECT sub, name, institution FROM users ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [(e["sub"], e["name"], e["institution"]) for e in hostile(tmp_path)]
    assert not (tmp_path / "pwned").exists()


def serve(folder: Path, database: str, file: Path) -> subprocess.CompletedProcess[str]:
    """`servicex-app serve` on PostgreSQL, which ends soon: its controller misses RabbitMQ."""
    environment = {**os.environ, "SQLALCHEMY_DATABASE_URI": database, "DEFAULT_USERS_FILE": str(file),
                   "SECRET_KEY": "for this test and no other", "DATA_DIRECTORY": str(folder), "GUNICORN_WORKERS": "1"}
    return subprocess.run([COMMAND, "serve", "--host", "127.0.0.1", "--port", str(free_port())], env=environment,
                          capture_output=True, text=True, timeout=60)


def test_serve_makes_them_after_the_migration(tmp_path: Path, file: Path, postgres_url: str) -> None:
    file.write_text(json.dumps([entry("bob"), {}]))
    refused = serve(tmp_path, postgres_url, file)
    assert refused.returncode == 1 and "entry 2: sub: Field required" in refused.stderr.splitlines()[-1]
    file.write_text(json.dumps([entry("bob")]))
    ended = serve(tmp_path, postgres_url, file)
    assert "RabbitMQ" in ended.stderr
    engine = create_engine(load(SQLALCHEMY_DATABASE_URI=postgres_url).database_uri, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT sub FROM users")).scalars().all() == ["bob"]
