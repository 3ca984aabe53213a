"""What administrators see and do: accounts, and who did what."""
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access
from servicex.services.accounts import known_as
from servicex.web.page import acting, page
from servicex.web.services import services

ENTRIES = 100


@page(Access.ADMIN)
def accounts() -> ResponseReturnValue:
    """All accounts, those that wait for approval first."""
    return render_template("accounts.html", pending=services().accounts.all(pending=True),
                           approved=services().accounts.all(pending=False))


@page(Access.ADMIN)
def approve(user_id: int) -> ResponseReturnValue:
    """Approve an account."""
    user = services().accounts.approve_id(acting(), user_id)
    return _done(f"{known_as(user)} was approved.")


@page(Access.ADMIN)
def delete(user_id: int) -> ResponseReturnValue:
    """Reject an account, or remove it."""
    services().accounts.delete(acting(), user_id)
    return _done("The account was removed.")


@page(Access.ADMIN)
def set_admin(user_id: int) -> ResponseReturnValue:
    """Make somebody an administrator, or not any more."""
    granted = request.form.get("admin") == "yes"
    user = services().accounts.set_admin(acting(), user_id, granted)
    return _done(f"{known_as(user)} is {'an administrator now' if granted else 'no administrator any more'}.")


def _done(said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("accounts"))


@page(Access.ADMIN)
def audit() -> ResponseReturnValue:
    """Who did what, the newest first."""
    entries = services().audit_log.entries(ENTRIES + 1, request.args.get("before", type=int))
    return render_template("audit.html", entries=entries[:ENTRIES], more=len(entries) > ENTRIES)
