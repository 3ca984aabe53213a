"""The dashboards: lists of transforms, one's own or everybody's, and what is done with them."""
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from servicex.api.addresses import own_path
from servicex.api.auth import Access
from servicex.api.limits import Limit, address, count
from servicex.errors import BadRequest
from servicex.models import TransformStatus
from servicex.models.transform_list import Place, Sort
from servicex.services.transform_lists import Page
from servicex.web import listed
from servicex.web.page import acting, page
from servicex.web.services import services

SORTS = {Sort.START: ("Started", "oldest", "newest"), Sort.FINISH: ("Finished", "first", "last"),
         Sort.STATUS: ("State", "waiting first", "ended first")}
KEPT = ("search", "state", "user", "sort", "order")


@page(Access.USER)
def own() -> ResponseReturnValue:
    """The visitor's own transforms."""
    return _dashboard(everybody=False)


@page(Access.ADMIN)
def everybodys() -> ResponseReturnValue:
    """All transforms."""
    return _dashboard(everybody=True)


def _dashboard(everybody: bool) -> ResponseReturnValue:
    arguments = request.args.to_dict()
    found = services().transform_lists.page(acting(), listed.asked(arguments, everybody))
    return render_template(
        "dashboard.html", everybody=everybody, rows=[listed.shown(row) for row in found.rows], links=_links(found),
        sorts=_sorts(arguments), states=TransformStatus, asked=arguments, here=request.full_path.rstrip("?"),
        narrowed=any(arguments.get(name) for name in ("search", "state", "user")))


def _links(found: Page) -> Mapping[str, str]:
    """Where to go on, by the word for it."""
    places = {"next": ("after", found.next), "previous": ("before", found.previous), "older": ("after", found.older)}
    return {word: _link({way: listed.place_text(place)}) for word, (way, place) in places.items()
            if isinstance(place, Place)}


def _sorts(arguments: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """The six orders: address, words, and whether it is the present one."""
    present = listed.order(arguments)
    return [(_link({"sort": sort.value, "order": "desc" if descending else "asc"}),
             f"{name}, {last if descending else first}", present.sort is sort and present.descending is descending)
            for sort, (name, first, last) in SORTS.items() for descending in (True, False)]


def _link(change: Mapping[str, str]) -> str:
    """The present list, changed; from its beginning unless a place is named."""
    kept = {name: request.args[name] for name in KEPT if request.args.get(name)}
    return f"{request.path}?{urlencode({**kept, **change})}"


@page(Access.USER)
def act(request_id: str, action: str) -> ResponseReturnValue:
    """Cancel a transform, delete it, or submit it or its failed files once more."""
    try:
        flash(ACTIONS[action](request_id), "success")
    except BadRequest as error:
        flash(error.message, "danger")
    return redirect(own_path(request.form.get("back")) or url_for("user-dashboard"))


def _cancel(request_id: str) -> str:
    transform = services().api.transforms.cancel(acting(), request_id)
    return f"{transform.title or 'The transform'} was canceled. The results it has so far stay."


def _delete(request_id: str) -> str:
    services().api.transforms.delete(acting(), request_id)
    return "The transform was deleted, with its results."


def _retry(request_id: str) -> str:
    _count_submission()
    fresh = services().api.repeats.retry(acting(), request_id)
    return f"The {fresh.files} files that failed were submitted again, as the new transform {fresh.id}."


def _run_again(request_id: str) -> str:
    _count_submission()
    fresh = services().api.repeats.run_again(acting(), request_id)
    return f"The same was submitted again, as the new transform {fresh.id}."


def _count_submission() -> None:
    """Count it with those that come by the API. Raises TooManyRequests."""
    user_id = acting().user_id
    count(Limit.SUBMIT, address() if user_id is None else f"user {user_id}")


ACTIONS: Mapping[str, Callable[[str], str]] = {"cancel": _cancel, "delete": _delete, "retry": _retry,
                                               "run-again": _run_again}


@page(Access.USER)
def cancel_own() -> ResponseReturnValue:
    """Cancel all of the visitor's transforms that have not ended."""
    _say_canceled(services().api.transforms.cancel_running(acting()))
    return redirect(own_path(request.form.get("back")) or url_for("user-dashboard"))


@page(Access.ADMIN)
def confirm_cancel_all() -> ResponseReturnValue:
    """Ask whether everybody's transforms are to be canceled."""
    return render_template("cancel_all.html")


@page(Access.ADMIN)
def cancel_all() -> ResponseReturnValue:
    """Cancel all transforms that have not ended, whoever's they are."""
    _say_canceled(services().api.transforms.cancel_running(acting(), everybodys=True))
    return redirect(url_for("global-dashboard"))


def _say_canceled(canceled: int) -> None:
    flash(f"{canceled} transforms were canceled." if canceled != 1 else "1 transform was canceled.", "success")
