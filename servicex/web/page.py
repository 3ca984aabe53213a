"""How a page declares who may see it, and what becomes of who may not."""
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from servicex.api import browser
from servicex.api.auth import Access, address, authentication
from servicex.errors import Forbidden
from servicex.services.caller import SINGLE_USER, Caller
from servicex.services.sign_ins import SignedIn
from servicex.api.addresses import own_path

AFTER_SIGN_IN = "next"
VISITOR = "servicex.visitor"
PENDING = ("Your account waits for approval. An administrator should approve it shortly; if not, please contact the "
           "people who run this server.")
ADMINS_ONLY = "This page is for administrators."
View = Callable[..., ResponseReturnValue]


def page(access: Access) -> Callable[[View], View]:
    """Have a view called for those who have `access`; what it changes must have been meant (see `browser`)."""
    def decorate(view: View) -> View:
        @wraps(view)
        def show(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            elsewhere = _where_first(access) if authentication().enabled else None
            if elsewhere is not None:
                return redirect(elsewhere)
            browser.check_meant()
            return view(*args, **kwargs)
        return show
    return decorate


def visitor() -> SignedIn | None:
    """Who is signed in in the browser that asks."""
    if VISITOR not in request.environ:
        request.environ[VISITOR] = None  # also if it cannot be found out: the page that says so is a stranger's
        request.environ[VISITOR] = authentication().signed_in()
    found: SignedIn | None = request.environ[VISITOR]
    return found


def acting() -> Caller:
    """On whose behalf the page does something."""
    signed_in = visitor()
    return signed_in.caller(address()) if signed_in else SINGLE_USER


def _where_first(access: Access) -> str | None:
    """Where the visitor has to go before they may see the page; None if they may. Raises Forbidden."""
    if access is Access.ANYONE:
        return None
    signed_in = visitor()
    if signed_in is None:
        session[AFTER_SIGN_IN] = own_path(request.full_path.rstrip("?")) if request.method == "GET" else None
        return url_for("sign_in")
    if access is Access.SIGNED_IN:
        return None
    if signed_in.user is None:
        return url_for("create_profile")
    _check_rights(access, signed_in)
    return None


def _check_rights(access: Access, signed_in: SignedIn) -> None:
    user = signed_in.user
    if user is None or (user.pending and access is not Access.ACCOUNT):
        raise Forbidden(PENDING)
    if access is Access.ADMIN and not user.admin:
        raise Forbidden(ADMINS_ONLY)
