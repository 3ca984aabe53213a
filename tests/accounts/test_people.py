"""Administrators' routes and commands."""
import os
import subprocess
from pathlib import Path

import pytest

from servicex.errors import BadRequest
from servicex.services.accounts import Profile
from servicex.services.caller import COMMAND_LINE
from tests.accounts.people import Site
from tests.facility import BIN


def test_users_and_pending(site: Site) -> None:
    bob = site.person("bob", approved=False)
    ada = site.access_token("ada")
    assert site.ask("GET", "/users", ada).json == {"users": [
        {"email": "ada@example.org", "id": 1, "admin": True, "pending": False},
        {"email": "bob@example.org", "id": bob.id, "admin": False, "pending": True}]}
    assert site.ask("GET", "/pending", ada).json == {"users": [
        {"email": "bob@example.org", "id": bob.id, "admin": False}]}


def test_accept(site: Site) -> None:
    site.person("bob", approved=False)
    ada, bob = site.access_token("ada"), site.access_token("bob")
    assert site.ask("GET", "/servicex/transformation", bob).status_code == 401
    answer = site.ask("POST", "/accept", ada, json={"email": "bob@example.org"})
    assert answer.json == {"message": "user bob@example.org now ready for access"}
    assert site.ask("GET", "/servicex/transformation", bob).status_code == 200
    missing = site.ask("POST", "/accept", ada, json={"email": "eve@example.org"})
    assert (missing.status_code, missing.json["message"]) == (404, "No user registered with email: eve@example.org")
    assert site.ask("POST", "/accept", ada, json={}).status_code == 400


def test_removal_leaves_what_people_submitted_to_administrators(site: Site) -> None:
    bob = site.person("bob")
    request_id = site.submit(site.access_token("bob"))
    ada = site.access_token("ada")
    assert site.ask("DELETE", f"/users/{bob.id}", ada).json == {"message": f"user {bob.id} has been deleted"}
    assert site.ask("DELETE", f"/users/{bob.id}", ada).status_code == 404
    assert site.ask("GET", f"/servicex/transformation/{request_id}", ada).status_code == 200
    site.person("bob2")
    assert site.ask("GET", f"/servicex/transformation/{request_id}", site.access_token("bob2")).status_code == 404


def test_removal_of_all_spares_administrators_and_of_pending_the_rest(site: Site) -> None:
    for name, approved in (("bob", True), ("eve", False), ("mal", False)):
        site.person(name, approved)
    ada = site.access_token("ada")
    assert site.ask("DELETE", "/pending", ada).json == {"message": "2 row(s) deleted"}
    assert site.ask("DELETE", "/users", ada).json == {"message": "1 row(s) deleted"}
    assert [user["email"] for user in site.ask("GET", "/users", ada).json["users"]] == ["ada@example.org"]


def test_the_last_administrator_stays(site: Site) -> None:
    with pytest.raises(BadRequest, match="only administrator"):
        site.parts.accounts.set_admin(COMMAND_LINE, 1, False)
    assert site.ask("DELETE", "/users/1", site.access_token("ada")).status_code == 400
    site.parts.accounts.set_admin(COMMAND_LINE, site.person("bob").id, True)
    site.parts.accounts.set_admin(COMMAND_LINE, 1, False)


def test_nobody_has_two_accounts(site: Site) -> None:
    site.person("bob")
    for sub, email in (("bob", "other@example.org"), ("bob2", "bob@example.org")):
        with pytest.raises(BadRequest, match="already"):
            site.parts.accounts.create(COMMAND_LINE, sub, Profile("Bob", email, "CERN"))


def test_lists_hold_ones_own_and_an_administrators_all(site: Site) -> None:
    site.person("bob")
    site.person("eve")
    mine = site.submit(site.access_token("bob"))
    seen = {name: [r["request_id"] for r in site.ask("GET", "/servicex/transformation",
                                                     site.access_token(name)).json["requests"]]
            for name in ("ada", "bob", "eve")}
    assert seen == {"ada": [mine], "bob": [mine], "eve": []}


@pytest.mark.parametrize("program", [("servicex-app",), ("flask",)], ids=["servicex-app", "flask"])
def test_commands(tmp_path: Path, program: tuple[str, ...]) -> None:
    environment = {**os.environ, "FLASK_APP": "servicex.app", "DATA_DIRECTORY": str(tmp_path / "data"),
                   "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/db", "JWT_ADMIN": "ada@example.org"}

    def run(*words: str) -> str:
        done = subprocess.run([str(BIN / program[0]), *words], env=environment, capture_output=True, text=True,
                              timeout=60)
        return (done.stdout + done.stderr).strip()
    subprocess.run([str(BIN / "flask"), "db", "upgrade"], env=environment, check=True, capture_output=True, timeout=60)
    assert run("user", "create", "s1", "ada@example.org", "Ada", "CERN") == "User s1 created, approved"
    assert run("user", "create", "s2", "bob@example.org", "Bob; rm -rf /", "CERN") == "User s2 created, pending"
    assert "already" in run("user", "create", "s2", "bob@example.org", "Bob", "CERN")
    assert run("user", "approve", "s2") == "User s2 approved"
    assert run("user", "approve", "s2") == "User s2 already approved"
    assert run("user", "approve", "s3") == "User s3 not found"
    assert run("user", "list").splitlines() == [
        "Sub, Email, Name, Institution, Pending?", "s1, ada@example.org, Ada, CERN, Approved",
        "s2, bob@example.org, Bob; rm -rf /, CERN, Approved"]
    assert run("user", "token", "s2").count(".") == 2
    assert run("user", "admin", "s2") == "User s2 is an administrator"
