"""The OpenAPI document, made from the URL table and the models that parse and answer, and a page that shows it."""
import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Flask, Response, jsonify, render_template
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from servicex.api.auth import Access
from servicex.api.operation import JSON, MARK, Operation
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import Message

Routes = Sequence[tuple[str, type[ServiceXResource]]]
PARAMETER = re.compile(r"<(string|int)(?:\([^)]*\))?:(\w+)>")
TYPES = {"string": {"type": "string"}, "int": {"type": "integer"}}
TOKEN = "token"
REASONS = {400: "The request cannot be granted as it stands.",
           401: "It is not known who asks, or they may not do this.",
           403: "A page of another site asks, or it is not yours, or the URL does not carry the right to do this.",
           404: "There is no such thing.", 413: "The body or the selection is too large.", 415: "The body is not JSON.",
           422: "No token of this kind; or the Idempotency-Key came before.",
           429: "Too many requests; the header Retry-After says for how many seconds that stays so.",
           502: "The code generator broke.", 503: "Not available just now; try again.",
           504: "The code generator did not answer in time."}


def register(app: Flask, routes: Routes, version: str) -> None:
    """Serve the document at `/apidoc/openapi.json` and a page about it at `/apidoc`."""
    description = document(routes, version)

    @app.get("/apidoc/openapi.json")
    def openapi_json() -> Response:
        return jsonify(description)

    @app.get("/apidoc")
    def apidoc() -> str:
        return render_template("apidoc.html", api=description)


def document(routes: Routes, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    found = [(url, resource, method, declared) for url, resource in routes for method, declared in _methods(resource)]
    names, schemas = _schemas(declared for _, _, _, declared in found)
    paths: dict[str, dict[str, Any]] = {}
    for url, resource, method, declared in found:
        described = _describe(url, resource, method, declared, names)
        paths.setdefault(PARAMETER.sub(r"{\2}", url), {})[method] = described
    return {"openapi": "3.1.0", "info": {"title": "ServiceX", "version": version}, "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": {TOKEN: {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "An access token, which POST /token/refresh gives for an API token."}}}}


def _methods(resource: type[ServiceXResource]) -> Iterable[tuple[str, Operation]]:
    for method in ("get", "post", "put", "delete"):
        declared = getattr(getattr(resource, method, None), MARK, None)
        if declared is not None:
            yield method, declared


def _schemas(operations: Iterable[Operation]) -> tuple[dict[type[BaseModel], Any], dict[str, Any]]:
    """A reference for each model, and the schemas they refer to."""
    modes: dict[type[BaseModel], JsonSchemaMode] = {Message: "serialization"}
    for declared in operations:
        if declared.answer:
            modes[declared.answer] = "serialization"
        if declared.body:
            modes[declared.body] = "validation"
    references, schemas = models_json_schema(list(modes.items()), ref_template="#/components/schemas/{model}")
    by_model = {model: reference for (model, _), reference in references.items() if issubclass(model, BaseModel)}
    return by_model, schemas["$defs"]


def _describe(url: str, resource: type[ServiceXResource], method: str, declared: Operation,
              names: dict[type[BaseModel], Any]) -> dict[str, Any]:
    text = inspect.getdoc(getattr(resource, method)) or ""
    described: dict[str, Any] = {
        "operationId": f"{method}_{resource.__name__}", "summary": text.split("\n")[0],
        "parameters": [*_path_parameters(url), *_parameters("query", declared.query),
                       *_parameters("header", declared.headers)],
        "responses": {"200": {"description": "Done.", **_answer(declared, names)}},
    }
    expected = failures(url, declared)
    if 401 in expected and declared.access is not Access.ANYONE:
        described["security"] = [{TOKEN: []}]
    for status in sorted(expected):
        said = _content(Message if declared.answer else None, names)
        described["responses"][str(status)] = {"description": REASONS[status], **said}
    if declared.body:
        kind = "application/x-www-form-urlencoded" if declared.form else "application/json"
        described["requestBody"] = {"required": True, "content": {kind: {"schema": names[declared.body]}}}
    return described


def failures(url: str, declared: Operation) -> set[int]:
    """The statuses of failure that an operation can be answered with: its own, and those of what it takes."""
    found = {*declared.failures, 403}  # the guard's
    if declared.access is not Access.ANYONE:
        found |= {401, 422}
    if declared.limit is not None:
        found.add(429)
    if declared.body is not None:
        found |= {400, 413, 415}
    if declared.query is not None or declared.headers is not None:
        found.add(400)
    if PARAMETER.search(url):
        found.add(404)
    return found


def _path_parameters(url: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": TYPES[kind]}
            for kind, name in PARAMETER.findall(url)]


def _parameters(place: str, model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    return [{"name": name, "in": place, "required": False, "schema": part}
            for name, part in schema.get("properties", {}).items()]


def _answer(declared: Operation, names: dict[type[BaseModel], Any]) -> dict[str, Any]:
    if declared.media == JSON:
        return _content(declared.answer, names)
    data = {"type": "string", "contentMediaType": JSON, **({"contentSchema": names[declared.answer]}
                                                           if declared.answer else {})}
    event = {"type": "object", "description": "An event; its data is JSON.", "required": ["data"], "properties": {
        "id": {"type": "string"}, "event": {"type": "string"}, "data": data}}
    return {"content": {declared.media: {"schema": event}}}


def _content(model: type[BaseModel] | None, names: dict[type[BaseModel], Any]) -> dict[str, Any]:
    return {"content": _json(names[model])} if model else {}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
