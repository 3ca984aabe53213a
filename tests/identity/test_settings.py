"""Which identity providers the settings ask for."""
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servicex import choices, embedded
from servicex.settings import InvalidSettings, load

CERN = {"name": "cern", "label": "CERN", "issuer": "https://auth.cern.ch/auth/realms/cern", "client_id": "servicex"}


def names(**settings: Any) -> list[str]:
    return [provider.name for provider in choices.identity_providers(load(**settings))]


def test_those_that_are_configured() -> None:
    assert names() == []
    assert names(GLOBUS_CLIENT_ID="globus-client-id") == [], "without a secret it cannot work"
    assert names(GLOBUS_CLIENT_ID="globus-client-id", GLOBUS_CLIENT_SECRET="globus-client-secret",
                 OIDC_PROVIDERS=[CERN, {**CERN, "name": "iam"}], DEV_USERS=["ada@example.org", "eve@example.org"]
                 ) == ["globus", "cern", "iam", "dev-1", "dev-2"]


def test_providers_in_the_environment_and_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "app.conf"
    file.write_text(f"OIDC_PROVIDERS = {[CERN]!r}")
    monkeypatch.setenv("APP_CONFIG_FILE", str(file))
    assert names() == ["cern"]
    monkeypatch.setenv("OIDC_PROVIDERS", json.dumps([{**CERN, "name": "iam", "trusts_email": True}]))
    assert names() == ["iam"]
    assert load().OIDC_PROVIDERS[0].trusts_email


@pytest.mark.parametrize("change", [
    {"name": "globus"}, {"name": "dev"}, {"name": "dev-1"}, {"name": "CERN"}, {"name": "a|b"}, {"name": ""},
    {"name": "a" * 33}, {"label": ""}, {"issuer": "http://auth.cern.ch"}, {"issuer": "ftp://localhost"},
    {"issuer": "https://"}, {"issuer": "https://auth.cern.ch?x"}, {"issuer": "https://auth.cern.ch#x"},
    {"issuer": "https://ada@auth.cern.ch"}, {"client_id": ""}, {"scopes": "profile"}, {"scopes": "openidx"},
    {"trust_email": True}])
def test_provider_that_cannot_be_one(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings, match="OIDC_PROVIDERS"):
        load(OIDC_PROVIDERS=[{**CERN, **change}])


def test_two_providers_of_one_name() -> None:
    with pytest.raises(InvalidSettings, match="two providers have the same name"):
        load(OIDC_PROVIDERS=[CERN, CERN])


@pytest.mark.parametrize("issuer", ["http://localhost:9400", "http://127.0.0.1:9400", "http://[::1]:9400"])
def test_issuer_on_this_machine_needs_no_tls(issuer: str) -> None:
    assert names(OIDC_PROVIDERS=[{**CERN, "issuer": issuer}]) == ["cern"]


def test_secrets_are_not_shown() -> None:
    settings = load(GLOBUS_CLIENT_ID="id", GLOBUS_CLIENT_SECRET="the first",
                    OIDC_PROVIDERS=[{**CERN, "client_secret": "the second"}])
    assert "the first" not in repr(settings) and "the second" not in repr(settings)
    with pytest.raises(InvalidSettings) as failure:
        load(OIDC_PROVIDERS=[{**CERN, "client_secret": "the second", "scopes": "x"}])
    assert "the second" not in str(failure.value)


def test_nobody_comes_in_without_a_password_on_a_server_for_many() -> None:
    choices.check(load(DEV_USERS=["ada@example.org"]))
    with pytest.raises(InvalidSettings, match="DEV_USERS"):
        choices.check(load(DEV_USERS=["ada@example.org"], SQLALCHEMY_DATABASE_URI="postgresql://db/servicex"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "servicex.example.org"])
def test_nobody_comes_in_without_a_password_from_elsewhere(tmp_path: Path, host: str) -> None:
    """Who calls the server localhost in the header Host may be anywhere."""
    with pytest.raises(InvalidSettings, match="must not listen on"):
        embedded.run(load(DEV_USERS=["ada@example.org"], DATA_DIRECTORY=tmp_path), host, 0)


@pytest.mark.parametrize("email", ["ada", "ada@", "a b@example.org", "ada@example.org\n", "a@b@c"])
def test_dev_user_that_has_no_address(email: str) -> None:
    with pytest.raises(InvalidSettings, match="DEV_USERS"):
        load(DEV_USERS=[email])


def test_a_server_without_providers_does_not_load_their_libraries() -> None:
    program = ("import sys; from servicex import choices; from servicex.settings import load;"
               "choices.identity_providers(load()); choices.bearer_identity(load());"
               "sys.exit(bool({'globus_sdk', 'authlib', 'joserfc'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
