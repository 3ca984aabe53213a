"""API tokens, each shown once, and the file with one in it that the client reads."""
from datetime import date

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access, authentication
from servicex.errors import BadRequest
from servicex.api.addresses import public_url
from servicex.web.page import acting, page, visitor
from servicex.web.services import services

DAY = 86_400.0
LONGEST_NAME = 120
FILE = "servicex.yaml"
# Days, and how they are called.
LIFETIMES = {"0": "as long as possible", "7": "a week", "30": "a month", "90": "three months", "365": "a year"}


@page(Access.USER)
def confirm_new() -> ResponseReturnValue:
    """Ask for a name for a new token."""
    return render_template("new_token.html", lifetimes=LIFETIMES)


@page(Access.USER)
def make_new() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    name = request.form.get("name", "").strip() or f"made on {date.today()}"
    return render_template("token.html", token=_new_token(name), name=name)


@page(Access.ACCOUNT)
def revoke(token_id: int) -> ResponseReturnValue:
    """Have a token be good no more."""
    signed_in = visitor()
    if signed_in and signed_in.user:
        services().api_tokens.revoke(acting(), signed_in.user.id, token_id)
        flash("The token was revoked. Programs that use it are refused from now on.", "success")
    return redirect(url_for("profile"))


@page(Access.USER)
def confirm_file() -> ResponseReturnValue:
    """Explain the file, and offer it."""
    return render_template("servicex_file.html", lifetimes=LIFETIMES, example=_file("…"))


@page(Access.USER)
def download_file() -> ResponseReturnValue:
    """The file, with a token that was made for it."""
    return Response(_file(_new_token(f"{FILE} of {date.today()}")), mimetype="text/plain", headers={
        "Content-Disposition": f"attachment; filename={FILE}", "Cache-Control": "no-cache"})


def _new_token(name: str) -> str | None:
    """A token of who asks; None where no tokens are needed. Raises BadRequest."""
    signed_in = visitor()
    if signed_in is None or signed_in.user is None:
        return None
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"The name of a token may have {LONGEST_NAME} characters, and no control characters.")
    days = request.form.get("days", "0")
    if days not in LIFETIMES:
        raise BadRequest("A token can be good for " + ", ".join(LIFETIMES.values()) + ".")
    return authentication().new_api_token(acting(), signed_in.user, name, float(days) * DAY or None)


def _file(token: str | None) -> str:
    """What the client reads: an entry for each code generator."""
    shown = "" if token is None else f"    token: {token}\n"
    return "api_endpoints:\n" + "".join(
        f"  - name: {name}\n    endpoint: {public_url()}/\n{shown}    codegen: {name}\n    return_data: root-file\n"
        for name in services().api.transforms.code_generators())
