"""How a method of a resource declares what it takes and gives: one source of parsing and of the OpenAPI document."""
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, request
from pydantic import BaseModel, RootModel, ValidationError
from werkzeug.exceptions import BadRequest as MalformedJson

from servicex.api.auth import Access, caller, check
from servicex.api.limits import Limit, address, count
from servicex.api.schemas import Message
from servicex.errors import BadRequest, UnsupportedMediaType

MARK = "servicex_operation"
JSON = "application/json"
FAULTS_SHOWN = 5


@dataclass(frozen=True)
class Operation:
    """What a method takes (JSON body, query, headers) and gives, who may call it, and how often.

    `failures` are those it can be answered with beside those that come of what it takes; see openapi.py. `media` is the
    type of the answer; one that is not JSON has the model in the `data` of its events.

    Without an `answer` no answer has a body.
    """

    answer: type[BaseModel] | None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    failures: tuple[int, ...] = ()
    headers: type[BaseModel] | None = None
    access: Access = Access.USER
    form: bool = False
    limit: Limit | None = None
    media: str = JSON


def operation(answer: type[BaseModel] | None = Message, body: type[BaseModel] | None = None,
              query: type[BaseModel] | None = None, failures: tuple[int, ...] = (),
              headers: type[BaseModel] | None = None, access: Access = Access.USER,
              limit: Limit | None = None, form: bool = False, media: str = JSON) -> Callable[..., Any]:
    """Have the method called with `body`, `query` and `headers` parsed, and its answer, a model or a response, sent.

    Before all else it is checked that the caller is one of those who have `access`, and does not ask too often.
    A body that is not declared as JSON raises UnsupportedMediaType, one that does not fit raises BadRequest. With
    `form` the body is that of an HTML form instead, as OAuth has it.
    """
    declared = Operation(answer, body, query, failures, headers, access, form, limit, media)

    def decorate(method: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(method)
        def handle(*args: Any, **kwargs: Any) -> Response:
            check(access)
            if limit is not None:
                count(limit, _who(access))
            if body is not None:
                kwargs["body"] = _parsed(body, request.form.to_dict() if form else _json_body())
            if query is not None:
                kwargs["query"] = _parsed(query, request.args.to_dict())
            if headers is not None:
                kwargs["headers"] = _parsed(headers, _headers(headers))
            given = method(*args, **kwargs)
            return given if isinstance(given, Response) else json_response(given)
        setattr(handle, MARK, declared)
        return handle
    return decorate


def json_response(model: BaseModel, status: int = 200) -> Response:
    """The model as a JSON response, under the names of the wire."""
    return Response(model.model_dump_json(by_alias=True) + "\n", status, mimetype="application/json")


def _who(access: Access) -> str:
    """Whose requests are counted together: those of a user, and where none is known those from one address."""
    user_id = None if access is Access.ANYONE else caller().user_id
    return address() if user_id is None else f"user {user_id}"


def _json_body() -> Any:
    if not request.is_json:
        raise UnsupportedMediaType("The body must be JSON, with the header Content-Type: application/json.")
    try:
        return request.get_json()
    except MalformedJson as error:
        raise BadRequest("The body is not valid JSON.") from error
    except RecursionError as error:
        raise BadRequest("The JSON in the body is nested too deeply.") from error


def _headers(model: type[BaseModel]) -> dict[str, str]:
    """Those headers of the request that the model has a field for."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    return {name: request.headers[name] for name in names if name in request.headers}


def _parsed(model: type[BaseModel], values: Any) -> BaseModel:
    if not isinstance(values, dict) and not issubclass(model, RootModel):
        raise BadRequest("The JSON in the body must be an object.")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise BadRequest(_in_words(error)) from error


def _in_words(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False)
    words = [f"{'.'.join(str(part) for part in f['loc'])}: {f['msg']}" for f in faults[:FAULTS_SHOWN]]
    more = f" (and {len(faults) - FAULTS_SHOWN} more)" if len(faults) > FAULTS_SHOWN else ""
    return "Invalid request: " + "; ".join(words) + more
