"""One shape for every error of every route: `{"message": ...}` with the right status; a page for browsers."""
import logging
import secrets
from http import HTTPStatus

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as UnknownUrl

from servicex.api.operation import json_response
from servicex.api.paths import for_programs
from servicex.api.schemas import Message
from servicex.errors import ServiceXError, TooManyRequests

log = logging.getLogger(__name__)
NO_SUCH_ROUTE = "There is nothing at this URL. The routes of this server are described at /apidoc."
# What a page says above all; other statuses have their name in HTTP.
HEADINGS = {400: "That cannot be done", 401: "Please sign in", 403: "That is not for you",
            404: "There is no such thing here", 429: "Not so fast", 500: "Something went wrong",
            503: "Not available just now"}
UNEXPECTED = ("Something went wrong in the server (incident {}). It has been logged; please try again, and tell the "
              "people who run this server if it stays.")


def register(app: Flask) -> None:
    """Have all errors answered in that shape."""
    app.register_error_handler(ServiceXError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _ours(error: ServiceXError) -> Response:
    response = _answer(error.status, error.message)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.seconds)
    elif error.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> Response:
    """Errors of Flask and werkzeug: an unknown URL, a wrong method, a body too large. Their headers stay."""
    if error.response is not None:
        return error.get_response()  # type: ignore[return-value]
    message = NO_SUCH_ROUTE if isinstance(error, UnknownUrl) else error.description or "The request failed."
    response = _answer(error.code or 500, message)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    incident = secrets.token_hex(4)
    log.exception("incident %s: a request failed", incident, exc_info=error)
    return _answer(500, UNEXPECTED.format(incident), incident)


def _answer(status: int, message: str, incident: str = "") -> Response:
    if _wants_a_page():
        try:
            page = render_template("error.html", status=status, message=message, incident=incident,
                                   heading=HEADINGS.get(status) or HTTPStatus(status).phrase)
            return Response(page, status)
        except Exception:  # what a page shows beside the error may be what has failed
            log.exception("the page of an error cannot be shown")
    return json_response(Message(message=message), status)


def _wants_a_page() -> bool:
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return best == "text/html" and not for_programs(request.path)
