"""The browser that a request comes from: who is signed in there, and whether a change was meant.

All that the cookie holds is a key, which the server keeps only the digest of, and what a form needs (RFC 6265; the CSRF
token of Flask-WTF).
"""
import hmac
from collections.abc import Sequence

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import generate_csrf, validate_csrf

from servicex.api.guard import LOOPBACK, host_name
from servicex.errors import Forbidden

KEY = "key"
COOKIE = "servicex_session"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
CSRF_HEADER = "X-CSRFToken"
NOT_FROM_OUR_PAGE = ("This was not sent from a page of this server, or somebody has signed in or out meanwhile. Please "
                     "load the page again and try once more.")


class SessionCookie(SecureCookieSessionInterface):
    """The cookie goes over TLS only, but for a server on one's own machine."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the browser may send the cookie by TLS only."""
        return host_name(request.host) not in LOOPBACK


def cookie_key(secret: str) -> str:
    """The key that is made from a secret of the server for cookies and nothing else."""
    return hmac.digest(secret.encode(), b"servicex cookies", "sha256").hex()


def register(app: Flask, keys: Sequence[str]) -> None:
    """Let the app know browsers again. Cookies are signed with the first key; those of the others still hold."""
    app.config.update(SECRET_KEY=keys[0], SECRET_KEY_FALLBACKS=list(keys[1:]))
    app.session_interface = SessionCookie()
    # A form is good as long as its page's sign-in is.
    app.config.update(SESSION_COOKIE_NAME=COOKIE, SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax",
                      WTF_CSRF_TIME_LIMIT=None)
    app.jinja_env.globals["csrf_token"] = generate_csrf


def key() -> str | None:
    """The key in the browser's cookie."""
    found = session.get(KEY)
    return found if isinstance(found, str) else None


def remember(new_key: str) -> None:
    """Begin anew with a key: nothing of what the browser had before is kept."""
    session.clear()
    session[KEY] = new_key


def check_meant() -> None:
    """Raise Forbidden if the present request would change something and does not come from one of our pages."""
    if request.method not in CHANGING:
        return
    try:
        validate_csrf(request.headers.get(CSRF_HEADER) or request.form.get("csrf_token", ""))
    except ValueError as error:
        raise Forbidden(NOT_FROM_OUR_PAGE) from error
