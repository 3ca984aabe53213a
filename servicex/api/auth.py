"""Who asks: the caller of the present request, by the access token it shows."""
import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import jwt
from flask import Flask, Response, current_app, jsonify, request
from flask_jwt_extended import (JWTManager, create_access_token, create_refresh_token, get_jwt_identity,
                                verify_jwt_in_request)
from flask_jwt_extended.exceptions import JWTDecodeError

from servicex.api.limits import Limit, count
from servicex.errors import Unauthorized
from servicex.models import User
from servicex.services.accounts import AccountService, known_as
from servicex.services.api_tokens import ApiTokenService
from servicex.services.caller import SINGLE_USER, Caller

EXTENSION = "servicex_authentication"
CALLER = "servicex.caller"
ALGORITHM = "HS256"
# What tokens of 2022 have in the place of `sub`.
EARLIER_CLAIM = "identity"
NO_USER = ("Not Authorized: No user found matching this API token. Your account may have been deleted. Please visit "
           "the ServiceX website to obtain a new API token.")
PENDING = ("Not Authorized: Your account is still pending. An administrator should approve it shortly. If not, please "
           "contact the ServiceX admins via email or Slack.")
ADMINS_ONLY = "Not Authorized: This resource is restricted to administrators."
OUTDATED = "Invalid or outdated refresh token"


class Access(Enum):
    """Who may use a route."""

    ANYONE = "anyone"
    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True)
class TokenOptions:
    """What tokens are signed with, and for how many seconds they are good; 0 for ever, which only API tokens can be."""

    key: str
    access_seconds: float
    api_seconds: float


class Authentication:
    """Knows who asks. Without accounts (`enabled` False) everybody is the one user there is."""

    def __init__(self, enabled: bool, accounts: AccountService, tokens: ApiTokenService):
        self._enabled = enabled
        self._accounts = accounts
        self._tokens = tokens

    def caller(self) -> Caller:
        """The caller of the present request, as their account is now. Raises Unauthorized."""
        if not self._enabled:
            return SINGLE_USER
        user = _approved(self._accounts.of_sub(_identity(refresh=False)))
        return Caller(user.id, bool(user.admin), known_as(user), request.remote_addr or "")

    def access_token(self) -> str:
        """A new access token for the API token that the request shows. Raises Unauthorized, TooManyRequests."""
        identity = _identity(refresh=True)
        user = self._tokens.owner(_shown())
        if user is None or user.sub != identity:
            raise Unauthorized(OUTDATED)
        count(Limit.TOKEN, f"user {user.id}")
        return create_access_token(_approved(user).sub)

    def new_api_token(self, user: User, name: str) -> str:
        """A new API token of a user, which is known from now on and shown this once."""
        token = create_refresh_token(user.sub)
        self._tokens.keep(user.id, token, name)
        return token


def caller() -> Caller:
    """The caller of the present request. Raises Unauthorized."""
    # Not in `g`, which requests share that are made within one context of the app.
    if CALLER not in request.environ:
        request.environ[CALLER] = authentication().caller()
    found: Caller = request.environ[CALLER]
    return found


def check(access: Access) -> None:
    """Raise Unauthorized if the caller of the present request may not use a route for these."""
    if access is not Access.ANYONE and not caller().admin and access is Access.ADMIN:
        raise Unauthorized(ADMINS_ONLY)


def authentication() -> Authentication:
    """The authentication of the present app."""
    found: Authentication = current_app.extensions[EXTENSION]
    return found


def token_key(configured: str, secret: str) -> str:
    """The key that was configured for tokens, else one made from the server's secret for nothing but that."""
    return configured or hmac.digest(secret.encode(), b"servicex tokens", "sha256").hex()


def register(app: Flask, known: Authentication, options: TokenOptions) -> None:
    """Have the app's requests authenticated, and failures of tokens answered as clients of version 1 know them."""
    app.config.update(
        JWT_SECRET_KEY=options.key, JWT_ALGORITHM=ALGORITHM, JWT_TOKEN_LOCATION=["headers"],
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=options.access_seconds),
        JWT_REFRESH_TOKEN_EXPIRES=timedelta(seconds=options.api_seconds) if options.api_seconds else False)
    manager = JWTManager(app)
    manager.unauthorized_loader(lambda why: _failure(why, 401))
    manager.invalid_token_loader(lambda why: _failure(why, 422))
    manager.expired_token_loader(lambda header, payload: _failure("Token has expired", 401))
    app.extensions[EXTENSION] = known


def _failure(why: str, status: int) -> Response:
    # Earlier servers had `msg` for some of them and `message` for others.
    answer = jsonify(message=why, msg=why)
    answer.status_code = status
    return answer


def _approved(user: User | None) -> User:
    if user is None:
        raise Unauthorized(NO_USER)
    if user.pending:
        raise Unauthorized(PENDING)
    return user


def _identity(refresh: bool) -> str:
    """Whom the token of the request names; it is checked."""
    try:
        verify_jwt_in_request(refresh=refresh)
        return str(get_jwt_identity())
    except JWTDecodeError:
        earlier = _earlier_claims()
        if earlier is None or (earlier.get("type") == "refresh") != refresh:
            raise
        return str(earlier[EARLIER_CLAIM])


def _earlier_claims() -> dict[str, Any] | None:
    """The claims of a token of 2022, checked; None if it is not one."""
    try:
        claims: dict[str, Any] = jwt.decode(_shown(), current_app.config["JWT_SECRET_KEY"], algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        return None
    return claims if isinstance(claims.get(EARLIER_CLAIM), str) and "sub" not in claims else None


def _shown() -> str:
    """The text of the token in the request's header."""
    return request.headers.get("Authorization", "").split()[-1]
