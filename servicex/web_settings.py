"""The options of a server that is reached from the internet; they are options of the server like all others."""
import re

import limits
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

ORIGIN = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
STORAGES = ("memory://", "redis://", "rediss://")


class WebSettings(BaseSettings):
    """How browsers reach the server, which other pages may use it, and how often one may ask."""

    PUBLIC_URL: str = Field(
        "", description="The address under which browsers reach the server, like https://servicex.example.org; its "
                        "host is one of ALLOWED_HOSTS. Empty: the one they came by.")
    TRUSTED_PROXIES: int = Field(
        0, ge=0, le=10, description="How many reverse proxies stand in front of the server, each of which sets "
                                    "X-Forwarded-For, -Proto and -Host. 0: these headers are not believed.")
    CORS_ALLOWED_ORIGINS: list[str] = Field(
        default_factory=list, description="Origins, like https://portal.example.org, whose pages may use the API with "
                                          "a token. Empty: none.")
    RATE_LIMIT_SIGN_IN: str = Field(
        "30 per minute", description="How often one address may begin to sign in.")
    RATE_LIMIT_TOKEN: str = Field(
        "120 per minute", description="How often one user, and one address, may ask for an access token.")
    RATE_LIMIT_SUBMIT: str = Field(
        "1000 per minute", description="How many transforms one user (without accounts: one address) may submit. "
                                       "Clients do not try again.")
    RATE_LIMIT_STORAGE: str = Field(
        "memory://", repr=False, description="Where requests are counted: memory:// counts in each process for itself, "
                                             "redis:// or rediss://user:password@host:port/number (needs the package "
                                             "redis) for all together.")

    @field_validator("PUBLIC_URL")
    @classmethod
    def _address(cls, value: str) -> str:
        return _origin(value) if value else value

    @field_validator("CORS_ALLOWED_ORIGINS")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        return [_origin(one) for one in value]

    @field_validator("RATE_LIMIT_SIGN_IN", "RATE_LIMIT_TOKEN", "RATE_LIMIT_SUBMIT")
    @classmethod
    def _one_rate(cls, value: str) -> str:
        try:
            (rate,) = limits.parse_many(value)
        except ValueError as error:
            raise ValueError("must be one rate, like 30 per minute") from error
        if rate.amount < 1:
            raise ValueError("must allow at least one")
        return value

    @field_validator("RATE_LIMIT_STORAGE")
    @classmethod
    def _known_storage(cls, value: str) -> str:
        if not value.startswith(STORAGES):
            raise ValueError(f"must begin with {', '.join(STORAGES)}")
        return value


def _origin(value: str) -> str:
    """The origin as browsers write it. Raises ValueError."""
    origin = value.lower().removesuffix("/")
    if not ORIGIN.fullmatch(origin):
        raise ValueError(f"{value!r} must be like https://servicex.example.org or http://localhost:5000, and no path")
    scheme, _, rest = origin.partition("://")
    return origin.removesuffix({"https": ":443", "http": ":80"}[scheme]) if rest.count(":") else origin
