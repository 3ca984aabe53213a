"""One shape for every error of every route: `{"message": ...}` with the right status."""
import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as UnknownUrl

from servicex.api.operation import json_response
from servicex.api.schemas import Message
from servicex.errors import ServiceXError

log = logging.getLogger(__name__)
NO_SUCH_ROUTE = "There is nothing at this URL. The routes of this server are described at /apidoc."


def register(app: Flask) -> None:
    """Have all errors answered in that shape."""
    app.register_error_handler(ServiceXError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _ours(error: ServiceXError) -> Response:
    response = json_response(Message(message=error.message), error.status)
    if error.status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> Response:
    """Errors of Flask and werkzeug: an unknown URL, a wrong method, a body too large. Their headers stay."""
    if error.response is not None:
        return error.get_response()  # type: ignore[return-value]
    message = NO_SUCH_ROUTE if isinstance(error, UnknownUrl) else error.description or "The request failed."
    response = json_response(Message(message=message), error.code or 500)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.exception("a request failed", exc_info=error)
    return json_response(Message(message="Something went wrong in the server. It has been logged; please try again, "
                                         "and tell the people who run this server if it stays."), 500)
