"""The wire of accounts and tokens."""
from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from servicex.api.schemas import Answer, Body, Text

ShortText = Annotated[Text, StringConstraints(max_length=120)]


class AccessToken(Answer):
    """A token that requests show, good for some hours."""

    access_token: str


class DeviceName(Body):
    """What a program that wants to be let in says of itself."""

    client_name: ShortText = "a program"


class DeviceCodes(Answer):
    """What such a program asks with, and what it shows to the person (RFC 8628, 3.2). Times are in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DeviceGrant(Body):
    """What it asks again and again (RFC 8628, 3.4)."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:device_code"]
    device_code: ShortText


class DeviceTokens(Answer):
    """What it gets in the end: an API token, here called refresh token, and a first access token."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"


class DeviceRefusal(Answer):
    """Why it gets nothing, or not yet (RFC 8628, 3.5)."""

    error: str
    message: str


class PendingUser(Answer):
    """An account that waits for approval."""

    email: str
    id: int
    admin: bool | None


class UserRecord(PendingUser):
    """An account."""

    pending: bool | None


class UserList(Answer):
    """All accounts, oldest first."""

    users: list[UserRecord]


class PendingList(Answer):
    """The accounts that wait for approval, oldest first."""

    users: list[PendingUser]


class AcceptBody(Body):
    """Whose account to approve."""

    email: Annotated[Text, Field(min_length=1, max_length=320)]
