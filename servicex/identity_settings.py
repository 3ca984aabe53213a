"""The options of identity providers; they are options of the server like all others."""
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_settings import BaseSettings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
RESERVED_NAMES = ("globus", "dev")


def _issuer_url(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.query or parts.fragment or parts.username is not None or not value.isprintable():
        raise ValueError("an issuer must be like https://login.example.org, without user, query and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("an issuer must be an https:// address, unless it is on this machine")
    return value


def _with_openid(value: str) -> str:
    if "openid" not in value.split():
        raise ValueError("the scopes of a provider must hold openid")
    return value


class OidcSettings(BaseModel):
    """One OpenID Connect provider, as it stands in OIDC_PROVIDERS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    label: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    issuer: Annotated[str, AfterValidator(_issuer_url)]
    client_id: Annotated[str, StringConstraints(min_length=1)]
    client_secret: str = Field("", repr=False)
    scopes: Annotated[str, AfterValidator(_with_openid)] = "openid profile email"
    trusts_email: bool = False
    groups_claim: str = ""
    institution_claim: str = ""
    audience: str = ""

    @field_validator("name")
    @classmethod
    def _free(cls, value: str) -> str:
        if value.partition("-")[0] in RESERVED_NAMES:
            raise ValueError(f"no provider can be called {value}")
        return value


class IdentitySettings(BaseSettings):
    """Who says who people are."""

    GLOBUS_CLIENT_ID: str = Field(
        "", description="The server's client at Globus (app.globus.org/settings/developers). Empty: people do not sign "
                        "in with Globus.")
    GLOBUS_CLIENT_SECRET: str = Field("", repr=False, description="The secret of that client.")
    OIDC_PROVIDERS: list[OidcSettings] = Field(
        default_factory=list,
        description="OpenID Connect providers, each with `name`, `label` (what people read), `issuer`, `client_id` "
                    "and, if needed: `client_secret`; `scopes`, openid among them; `trusts_email` (true: its addresses "
                    "count as verified even if it does not say so); `groups_claim` and `institution_claim` (which "
                    "claims hold these); `audience` (its access tokens for this audience are taken in place of ours).")
    DEV_USERS: list[Annotated[str, StringConstraints(pattern=r"^[!-?A-~]+@[!-?A-~]+$", max_length=320)]] = Field(
        default_factory=list,
        description="E-mail addresses that anybody at this machine may sign in as, without a password: for a server "
                    "on a laptop, with SQLite.")

    @field_validator("OIDC_PROVIDERS")
    @classmethod
    def _different_names(cls, value: list[OidcSettings]) -> list[OidcSettings]:
        if len({provider.name for provider in value}) < len(value):
            raise ValueError("two providers have the same name")
        return value
