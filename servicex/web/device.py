"""Where a person lets in a program that has no browser (RFC 8628)."""
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access
from servicex.api.limits import Limit, limited_by_address
from servicex.errors import NotFound
from servicex.web.page import page, visitor
from servicex.web.services import services


@page(Access.USER)
@limited_by_address(Limit.SIGN_IN)
def ask() -> ResponseReturnValue:
    """Ask for the code, and whether the program that shows it may come in."""
    code = request.args.get("user_code", "")
    if not code:
        return render_template("device.html", code="", program=None)
    try:
        program = services().device_codes.waiting(code)
    except NotFound as error:
        flash(error.message, "danger")
        return render_template("device.html", code=code, program=None), 404
    return render_template("device.html", code=program.user_code, program=program)


@page(Access.USER)
@limited_by_address(Limit.SIGN_IN)
def answer() -> ResponseReturnValue:
    """Let it in, or not."""
    signed_in = visitor()
    if signed_in is None or signed_in.user is None:
        return redirect(url_for("profile"))
    let_in = request.form.get("answer") == "yes"
    services().device_codes.answer(request.form.get("user_code", ""), signed_in.user.id, let_in)
    flash("The program has access now." if let_in else "The program was turned away.", "success")
    return redirect(url_for("profile"))
