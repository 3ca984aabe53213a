"""The datasets that were looked up, and who uses them."""
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from servicex.api.addresses import own_path
from servicex.api.auth import Access
from servicex.errors import BadRequest, Forbidden
from servicex.web import listed
from servicex.web.page import acting, page
from servicex.web.services import services

LARGEST = listed.LARGEST_ID


@page(Access.USER)
def show() -> ResponseReturnValue:
    """The datasets, newest first."""
    found = services().dataset_lists.page(acting(), _place("before"), _place("after"))
    return render_template("datasets.html", rows=[listed.shown_dataset(row) for row in found.rows], older=found.older,
                           newer=found.newer, shows_users=acting().admin and acting().user_id is not None,
                           here=request.full_path.rstrip("?"))


def _place(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST else None


@page(Access.USER)
def act(dataset_id: int, action: str) -> ResponseReturnValue:
    """Look a dataset up again, or forget it."""
    try:
        flash(_refresh(dataset_id) if action == "refresh" else _forget(dataset_id), "success")
    except (BadRequest, Forbidden) as error:
        flash(error.message, "danger")
    return redirect(own_path(request.form.get("back")) or url_for("datasets_page"))


def _refresh(dataset_id: int) -> str:
    fresh = services().api.datasets.refresh(acting(), dataset_id)
    return f"{fresh.name} is being looked up again, as dataset {fresh.id}. Transforms that run keep the old list."


def _forget(dataset_id: int) -> str:
    forgotten = services().api.datasets.delete(acting(), dataset_id)
    return f"Dataset {forgotten.id} was forgotten: who names it next has it looked up anew."
