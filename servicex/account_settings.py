"""The options of accounts and tokens; they are options of the server like all others."""
from typing import Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

SIX_HOURS = 6 * 3600.0


class AccountSettings(BaseSettings):
    """Who may use the server, and for how long a token is good."""

    JWT_SECRET_KEY: str = Field(
        "", repr=False, description="What tokens are signed with. Empty: a key made from SECRET_KEY. With that of an "
                                    "earlier server the tokens of that server still work.")
    JWT_ACCESS_TOKEN_EXPIRES: float = Field(
        SIX_HOURS, ge=120, description="For how many seconds an access token is good; clients get a new one by "
                                       "themselves.")
    JWT_REFRESH_TOKEN_EXPIRES: float = Field(
        0, ge=0, description="For how many seconds an API token is good, the one in servicex.yaml. 0 or False: until "
                             "it is revoked.")
    SESSION_SECONDS: float = Field(
        12 * 3600.0, ge=300, description="For how many seconds somebody who signed in stays signed in.")
    AUTO_APPROVE_DOMAINS: list[str] = Field(
        default_factory=list, description="Domains of e-mail addresses, like cern.ch, whose owners need no approval by "
                                          "an administrator. Only addresses that an identity provider vouches for "
                                          "count.")
    AUTO_APPROVE_GROUPS: list[str] = Field(
        default_factory=list, description="Groups of identity providers, each as provider:group, whose members need no "
                                          "approval by an administrator.")
    JWT_ADMIN: str = Field(
        "", description="The e-mail address whose account is an administrator's from the beginning; an identity "
                        "provider, or who makes the account on the command line, has to vouch for it.")

    @field_validator("JWT_REFRESH_TOKEN_EXPIRES", mode="before")
    @classmethod
    def _never(cls, value: Any) -> Any:
        return 0 if value is False or str(value).lower() in ("false", "none") else value
