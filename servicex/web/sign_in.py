"""Signing in and out."""
import hmac
import secrets

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from servicex.api import browser
from servicex.api.auth import Access, address, authentication
from servicex.api.limits import Limit, limited_by_address
from servicex.backends.identity.base import Attempt, Identity, IdentityProvider, SignInFailed
from servicex.errors import NotFound
from servicex.api.addresses import own_path, public_url_for
from servicex.web.leave import leave
from servicex.web.page import AFTER_SIGN_IN, page, visitor
from servicex.web.services import services

ATTEMPT = "attempt"
LINKING = "linking"
BEGIN_AGAIN = ("This attempt to sign in was not begun in this browser, or another one was begun after it. Please sign "
               "in again.")
# What a provider says of a failure is shown, but not at any length.
LONGEST_REASON = 300


@page(Access.ANYONE)
def choose_provider() -> ResponseReturnValue:
    """The providers one can sign in with; straight to the only one."""
    target = own_path(request.args.get(AFTER_SIGN_IN))
    if target:
        session[AFTER_SIGN_IN] = target
    providers = services().identity_providers
    if len(providers) == 1 and authentication().enabled:
        return redirect(url_for("sign_in_with", provider=providers[0].name))
    return render_template("sign_in.html", providers=providers)


@page(Access.ANYONE)
@limited_by_address(Limit.SIGN_IN)
def go_to_provider(provider: str) -> ResponseReturnValue:
    """Off to a provider."""
    return redirect(_begin(_provider(provider), linking=False))


@page(Access.ACCOUNT)
@limited_by_address(Limit.SIGN_IN)
def go_to_link(provider: str) -> ResponseReturnValue:
    """Off to a provider, whose identity is to sign in to the account that the browser is signed in to now."""
    known = _provider(provider)
    return leave(_begin(known, linking=True), known.label)


def _begin(provider: IdentityProvider, linking: bool) -> str:
    """Where to send the browser; it comes back to `come_back`. Raises SignInFailed."""
    attempt = Attempt(*(secrets.token_urlsafe(48) for _ in range(3)))
    session[ATTEMPT] = [provider.name, attempt.state, attempt.verifier, attempt.nonce]
    session[LINKING] = linking
    return provider.sign_in_url(public_url_for("auth_callback"), attempt)


@page(Access.ANYONE)
def come_back() -> ResponseReturnValue:
    """Where providers send browsers back to, with an answer or an error."""
    name, attempt = _attempt()
    if "error" in request.args:
        reason = request.args.get("error_description") or request.args["error"]
        flash(f"You could not be signed in: {reason[:LONGEST_REASON]}", "danger")
        return redirect(url_for("home"))
    identity = _provider(name).identify(public_url_for("auth_callback"), attempt, request.args)
    return _link(identity) if session.pop(LINKING, False) else _sign_in(identity)


def _attempt() -> tuple[str, Attempt]:
    """What was begun in this browser, once. Raises SignInFailed unless it is this answer's."""
    begun = session.pop(ATTEMPT, None)
    if begun is None:
        raise SignInFailed(BEGIN_AGAIN)
    name, attempt = begun[0], Attempt(*begun[1:])
    if not hmac.compare_digest(request.args.get("state", "").encode(), attempt.state.encode()):
        raise SignInFailed(BEGIN_AGAIN)
    return name, attempt


def _sign_in(identity: Identity) -> ResponseReturnValue:
    target = own_path(session.get(AFTER_SIGN_IN))
    key, user = services().sign_ins.begin(identity, address())
    browser.remember(key)
    if user is None:
        session[AFTER_SIGN_IN] = target
        return redirect(url_for("create_profile"))
    return redirect(target or url_for("profile" if user.pending else "user-dashboard"))


def _link(identity: Identity) -> ResponseReturnValue:
    signed_in = visitor()
    if signed_in is None:
        raise SignInFailed(BEGIN_AGAIN)
    services().sign_ins.link(signed_in, identity, address())
    flash("The identity was linked: you can sign in with it from now on.", "success")
    return redirect(url_for("profile"))


@page(Access.SIGNED_IN)
def confirm_sign_out() -> ResponseReturnValue:
    """Ask whether to sign out."""
    return render_template("sign_out.html")


@page(Access.SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """Sign out here and, where the provider can, there."""
    signed_in = visitor()
    if signed_in is None:
        return redirect(url_for("home"))
    services().sign_ins.end(signed_in, address())
    session.clear()
    provider = _known(signed_in.identity.provider)
    there = provider.sign_out_url(public_url_for("home")) if provider else None
    if provider is None or there is None:
        flash("You are signed out.", "success")
        return redirect(url_for("home"))
    return leave(there, provider.label, "You are signed out of ServiceX.")


def _known(name: str) -> IdentityProvider | None:
    providers = services().identity_providers if authentication().enabled else ()
    return next((known for known in providers if known.name == name), None)


def _provider(name: str) -> IdentityProvider:
    known = _known(name)
    if known is None:
        raise NotFound("There is no such way to sign in.")
    return known
