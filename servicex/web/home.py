"""The pages anybody may see."""
from flask import render_template
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access, authentication
from servicex.api.addresses import public_url
from servicex.web.page import page
from servicex.web.services import services


@page(Access.ANYONE)
def home() -> ResponseReturnValue:
    """What this is, and how to begin."""
    return render_template("home.html", generators=services().api.transforms.code_generators(), endpoint=public_url(),
                           accounts=authentication().enabled)


@page(Access.ANYONE)
def about() -> ResponseReturnValue:
    """Which version of what runs here."""
    return render_template("about.html", versions=services().versions,
                           generators=services().api.transforms.code_generators())
