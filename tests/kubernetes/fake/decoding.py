"""A body, read by the types that the client's classes tell: wrong types are refused, what nobody knows is dropped."""
import re
from typing import Any

from kubernetes.client import models

from tests.kubernetes.fake.errors import ApiError, bad_request
from tests.kubernetes.fake.names import quantity
from tests.kubernetes.fake.resources import Object, Target

_LIST = re.compile(r"list\[(.*)\]")
_MAP = re.compile(r"dict[\[(]str, (.*)[\])]")
_PLAIN = {"str": str, "int": int, "bool": bool}
# Maps of quantities, which may be written as numbers.
_QUANTITIES = {"limits", "requests", "capacity", "allocatable", "hard", "used"}
_QUANTITY_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def decode(target: Target, body: Any) -> Object:
    """The body as an object of the target's kind; raises ApiError 400 for wrong types and another kind."""
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    kind, api_version = body.get("kind"), body.get("apiVersion")
    expected = (target.resource.kind, target.resource.versioned(target.version))
    if (kind or expected[0], api_version or expected[1]) != expected:
        raise bad_request(f"the API version in the data ({api_version}) or the kind ({kind}) does not match the "
                          f"expected ({expected[1]}, {expected[0]})")
    decoded = decode_as(target.resource.model_name(target.version), body, target.resource.kind)
    decoded.setdefault("metadata", {})
    return {**decoded, "kind": expected[0], "apiVersion": expected[1]}


def decode_as(model: str, body: Object, path: str) -> Object:
    """The body by the client's class of that name."""
    kind = getattr(models, model)
    types = {json_name: kind.openapi_types[name] for name, json_name in kind.attribute_map.items()}
    return {name: _value(types[name], value, f"{path}.{name}", name in _QUANTITIES)
            for name, value in body.items() if name in types and value is not None}


def _value(kind: str, value: Any, path: str, quantities: bool = False) -> Any:
    if match := _LIST.fullmatch(kind):
        _expect(list, value, path)
        return [_value(match[1], each, path) for each in value]
    if match := _MAP.fullmatch(kind):
        _expect(dict, value, path)
        each_kind = "quantity" if quantities else match[1]
        return {key: _value(each_kind, each, f"{path}.{key}") for key, each in value.items() if each is not None}
    if kind == "quantity":
        return _quantity(value, path)
    if kind in _PLAIN:
        _expect(_PLAIN[kind], value, path)
        return value
    if kind in ("object", "datetime", "float"):
        return value
    _expect(dict, value, path)
    return decode_as(kind, value, path)


def _quantity(value: Any, path: str) -> str:
    text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    _expect(str, text, path)
    if quantity(text) is None:
        raise _undecodable(path, _QUANTITY_ERROR)
    return str(text)


def _expect(kind: type, value: Any, path: str) -> None:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _undecodable(path, f"expected {kind.__name__}, found {type(value).__name__}")


def _undecodable(path: str, why: str) -> ApiError:
    kind, _, rest = path.partition(".")
    return bad_request(f"{kind} in version cannot be handled as a {kind}: {rest}: {why}")
