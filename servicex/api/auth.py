"""Who asks: the caller of the present request, by the access token it shows, else by the browser it comes from."""
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import jwt
from flask import Flask, Response, current_app, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTDecodeError

from servicex.api import browser
from servicex.api.limits import Limit, count
from servicex.backends.identity.base import Identity, TokenRefused
from servicex.errors import Forbidden, Unauthorized
from servicex.models import User
from servicex.models.base import now
from servicex.services.accounts import AccountService, known_as
from servicex.services.api_tokens import ApiTokenService
from servicex.services.caller import SINGLE_USER, Caller
from servicex.services.rights import NO_ACCOUNTS, Proof
from servicex.services.sign_ins import SignedIn, SignInService

EXTENSION = "servicex_authentication"
CALLER = "servicex.caller"
# Which API token an access token was got with: it is good no longer than that one.
API_TOKEN_CLAIM = "api_token"
ALGORITHM = "HS256"
# What tokens of 2022 have in the place of `sub`.
EARLIER_CLAIM = "identity"
NO_USER = ("Not Authorized: No user found matching this API token. Your account may have been deleted. Please visit "
           "the ServiceX website to obtain a new API token.")
PENDING = ("Not Authorized: Your account is still pending. An administrator should approve it shortly. If not, please "
           "contact the ServiceX admins via email or Slack.")
ADMINS_ONLY = "Not Authorized: This resource is restricted to administrators."
OUTDATED = "Invalid or outdated refresh token"
TOKEN_WANTED = "This changes something, so it is for programs that show a token. A page has to use POST instead."


class Access(Enum):
    """Who may use a route or a page.

    Pages alone are for people who are signed in and have no account yet (`SIGNED_IN`), or one that waits (`ACCOUNT`).
    """

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    ACCOUNT = "account"
    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True)
class TokenOptions:
    """What tokens are signed with, and for how many seconds they are good; 0 for ever, which only API tokens can be."""

    key: str
    access_seconds: float
    api_seconds: float


class Authentication:
    """Knows who asks. Without accounts (`enabled` False) everybody is the one user there is.

    `identity_of` knows the access tokens of other issuers that are taken in place of ours, and gives None for others.
    """

    def __init__(self, enabled: bool, accounts: AccountService, tokens: ApiTokenService, sign_ins: SignInService,
                 identity_of: Callable[[str], Identity | None]):
        self.enabled = enabled
        self._accounts = accounts
        self._tokens = tokens
        self._sign_ins = sign_ins
        self._identity_of = identity_of

    def caller(self) -> Caller:
        """The caller of the present request, as their account is now. Raises Unauthorized, TokenRefused."""
        if not self.enabled:
            return SINGLE_USER
        signed_in = None if "Authorization" in request.headers else self.signed_in()
        if signed_in is None:
            user = _approved(self._user_of_token())
            return Caller(user.id, bool(user.admin), known_as(user), address())
        _approved(signed_in.user)
        browser.check_meant()
        return signed_in.caller(address())

    def signed_in(self) -> SignedIn | None:
        """Who is signed in in the browser that the present request comes from."""
        key = browser.key() if self.enabled else None
        return self._sign_ins.find(key) if key else None

    def proof(self, caller: Caller) -> Proof:
        """By what the caller of the present request was let in, so that it can be looked at again later."""
        if not self.enabled:
            return NO_ACCOUNTS
        signed_in = None if "Authorization" in request.headers else self.signed_in()
        if signed_in is not None:
            return Proof(caller.user_id, caller.admin, sign_in_id=signed_in.id)
        if self._identity_of(_bearer_token()) is not None:
            return Proof(caller.user_id, caller.admin)
        claims = _claims(refresh=False)
        token_id, until = claims.get(API_TOKEN_CLAIM), claims.get("exp")
        return Proof(caller.user_id, caller.admin, api_token_id=token_id if isinstance(token_id, int) else None,
                     expires_at=datetime.fromtimestamp(until, UTC) if isinstance(until, (int, float)) else None)

    def _user_of_token(self) -> User | None:
        identity = self._identity_of(_bearer_token())
        return self._user_of_our_token() if identity is None else self._sign_ins.account_of(identity)

    def _user_of_our_token(self) -> User | None:
        claims = _claims(refresh=False)
        user = self._accounts.of_sub(str(claims["sub"]))
        token_id = claims.get(API_TOKEN_CLAIM)
        if user is not None and isinstance(token_id, int) and not self._tokens.is_good(token_id):
            raise Unauthorized(OUTDATED)
        return user

    def access_token(self) -> str:
        """A new access token for the API token that the request shows. Raises Unauthorized, TooManyRequests."""
        sub = str(_claims(refresh=True)["sub"])
        count(Limit.TOKEN, f"identity {sub}")
        return self.exchange(sub, _shown())

    def exchange(self, sub: str, api_token: str) -> str:
        """A new access token for an API token that names `sub`, its signature checked. Raises Unauthorized."""
        user, token = self._accounts.of_sub(sub), self._tokens.known(api_token)
        if user is None or token is None or user.id != token.user_id:
            raise Unauthorized(OUTDATED)
        return create_access_token(_approved(user).sub, additional_claims={API_TOKEN_CLAIM: token.id})

    def new_api_token(self, caller: Caller, user: User, name: str, seconds: float | None = None) -> str:
        """A new API token of a user, which is known from now on and shown this once.

        It is good for so many seconds, at most for as long as the settings say, which is also the default.
        """
        longest: timedelta | None = current_app.config["JWT_REFRESH_TOKEN_EXPIRES"] or None
        wanted = timedelta(seconds=seconds) if seconds else None
        lifetime = min((span for span in (wanted, longest) if span), default=None)
        token: str = create_refresh_token(user.sub, expires_delta=lifetime or False)
        self._tokens.keep(caller, user.id, token, name, now() + lifetime if lifetime else None)
        return token


def caller() -> Caller:
    """The caller of the present request. Raises Unauthorized."""
    # Not in `g`, which requests share that are made within one context of the app.
    if CALLER not in request.environ:
        request.environ[CALLER] = authentication().caller()
    found: Caller = request.environ[CALLER]
    return found


def address() -> str:
    """Where the present request comes from."""
    return request.remote_addr or ""


def check(access: Access) -> None:
    """Raise Unauthorized if the caller of the present request may not use a route for these."""
    if access is not Access.ANYONE and not caller().admin and access is Access.ADMIN:
        raise Unauthorized(ADMINS_ONLY)


def check_token_shown() -> None:
    """Raise Forbidden if it is only a browser's cookie that says who asks: any page can have a browser send that."""
    if authentication().enabled and "Authorization" not in request.headers:
        raise Forbidden(TOKEN_WANTED)


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
    app.register_error_handler(TokenRefused, lambda refused: _failure(refused.message, refused.status))
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


def _claims(refresh: bool) -> dict[str, Any]:
    """What the token of the request says; it is checked, and names somebody in `sub`."""
    try:
        verify_jwt_in_request(refresh=refresh)
        return dict(get_jwt())
    except JWTDecodeError:
        earlier = _earlier_claims()
        if earlier is None or (earlier.get("type") == "refresh") != refresh:
            raise
        return {**earlier, "sub": earlier[EARLIER_CLAIM]}


def _earlier_claims() -> dict[str, Any] | None:
    """The claims of a token of 2022, checked; None if it is not one."""
    try:
        claims: dict[str, Any] = jwt.decode(_shown(), current_app.config["JWT_SECRET_KEY"], algorithms=[ALGORITHM])
    except jwt.PyJWTError:
        return None
    return claims if isinstance(claims.get(EARLIER_CLAIM), str) and "sub" not in claims else None


def _bearer_token() -> str:
    shown = request.authorization
    return shown.token or "" if shown is not None and shown.type == "bearer" else ""


def _shown() -> str:
    """The text of the token in the request's header."""
    return request.headers.get("Authorization", "").split()[-1]
