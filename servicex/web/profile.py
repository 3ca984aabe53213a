"""The page about oneself: account, identities, tokens."""
from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access, address
from servicex.models import User
from servicex.models.base import now
from servicex.services.accounts import Profile
from servicex.api.addresses import own_path
from servicex.web.forms import ProfileForm
from servicex.web.page import AFTER_SIGN_IN, acting, page, visitor
from servicex.web.services import services

INVALID = "Profile could not be saved. Please fix invalid fields below."
CREATED = "Profile created!"
WAITS = " Your account is pending approval. We'll email you when it's ready."
EXPERIMENTS = ("ATLAS", "CMS", "Other")


@page(Access.ACCOUNT)
def show() -> ResponseReturnValue:
    """One's account."""
    user = _visitors_account()
    if user is None:
        return render_template("single_user.html")
    identities = services().sign_ins.identities(user.id)
    linked = {identity.provider for identity in identities}
    return render_template("profile.html", user=user, tokens=services().api_tokens.of_user(user.id),
                           identities=identities, now=now(),
                           linkable=[known for known in services().identity_providers if known.name not in linked])


@page(Access.SIGNED_IN)
def create() -> ResponseReturnValue:
    """Make oneself an account."""
    signed_in = visitor()
    if signed_in is None or signed_in.user is not None:
        return redirect(url_for("profile"))
    identity = signed_in.identity
    form = _form(Profile(identity.name, identity.email, identity.institution))
    if request.method == "GET" or not _valid(form):
        return render_template("profile_form.html", form=form, title="Create Profile", identity=identity)
    target = own_path(session.get(AFTER_SIGN_IN))
    user = services().sign_ins.make_account(signed_in, form.profile(), address())
    flash(CREATED + (WAITS if user.pending else ""), "success")
    return redirect(target if target and not user.pending else url_for("profile"))


@page(Access.ACCOUNT)
def edit() -> ResponseReturnValue:
    """Change what one says of oneself."""
    user = _visitors_account()
    if user is None:
        return redirect(url_for("profile"))
    form = _form(Profile(user.name, user.email, user.institution or "", user.experiment or ""))
    if request.method == "GET" or not _valid(form):
        return render_template("profile_form.html", form=form, title="Edit Profile", identity=None)
    services().accounts.change_profile(acting(), user.id, form.profile())
    flash("Your profile has been saved!", "success")
    return redirect(url_for("profile"))


@page(Access.ACCOUNT)
def unlink() -> ResponseReturnValue:
    """Have a linked identity sign in no more."""
    signed_in = visitor()
    if signed_in is not None:
        services().sign_ins.unlink(signed_in, request.form.get("sub", ""), address())
        flash("The identity does not sign in to this account any more.", "success")
    return redirect(url_for("profile"))


def _visitors_account() -> User | None:
    """The account of who asks; None on a server without accounts."""
    signed_in = visitor()
    return signed_in.user if signed_in else None


def _form(filled_in: Profile) -> ProfileForm:
    form = ProfileForm(obj=filled_in)
    form.experiment.choices = list(dict.fromkeys((*EXPERIMENTS, *filter(None, [filled_in.experiment]))))
    return form


def _valid(form: ProfileForm) -> bool:
    if form.validate_on_submit():
        return True
    flash(INVALID, "danger")
    return False
