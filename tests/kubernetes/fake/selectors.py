"""Label and field selectors, as lists and watches take them and as specifications hold them."""
import re
from collections.abc import Callable

from tests.kubernetes.fake.errors import bad_request
from tests.kubernetes.fake.names import label_problem, label_value_problem
from tests.kubernetes.fake.resources import Object

Labels = dict[str, str]
Matches = Callable[[Object], bool]

_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s+\(([^()]*)\)\s*$")
_EQUALS = re.compile(r"^\s*([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)\s*$")
_EXISTS = re.compile(r"^\s*(!?)\s*([^\s=!(),]+)\s*$")
# A comma parts requirements, but not within the brackets of a set.
_COMMA = re.compile(r",(?![^(]*\))")


def label_matcher(selector: str) -> Matches:
    """Whether an object matches the text of a label selector; raises ApiError 400 if it is none."""
    tests = [_requirement(part) for part in _COMMA.split(selector)] if selector.strip() else []
    return lambda found: all(test(found["metadata"].get("labels") or {}) for test in tests)


def field_matcher(selector: str) -> Matches:
    """Whether an object matches the text of a field selector, such as `involvedObject.name=x`."""
    tests = [_field(part) for part in selector.split(",")] if selector.strip() else []
    return lambda found: all(test(found) for test in tests)


def selects(selector: Object | None, labels: Labels) -> bool:
    """Whether the selector of a specification (matchLabels, matchExpressions) selects those labels."""
    selector = selector or {}
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_expression(expression, labels) for expression in selector.get("matchExpressions") or [])


def as_text(selector: Object) -> str:
    """The selector of a specification as the text that a list takes."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for found in selector.get("matchExpressions") or []:
        values = f" ({','.join(sorted(found.get('values') or []))})"
        parts.append({"Exists": found["key"], "DoesNotExist": f"!{found['key']}"}.get(
            found["operator"], f"{found['key']} {found['operator'].lower()}{values}"))
    return ",".join(parts)


def _requirement(part: str) -> Callable[[Labels], bool]:
    if match := _SET.match(part):
        key, operator, values = match[1], match[2], [value.strip() for value in match[3].split(",")]
        _check(part, key, values)
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if match := _EQUALS.match(part):
        key, operator, value = match[1], match[2], match[3]
        _check(part, key, [value])
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if match := _EXISTS.match(part):
        absent, key = bool(match[1]), match[2]
        _check(part, key, [])
        return lambda labels: (key in labels) != absent
    raise bad_request(f"unable to parse requirement: {part!r}")


def _check(part: str, key: str, values: list[str]) -> None:
    problem = label_problem(key) or next(filter(None, map(label_value_problem, values)), "")
    if problem:
        raise bad_request(f"unable to parse requirement: {part!r}: {problem}")


def _field(part: str) -> Matches:
    match = _EQUALS.match(part)
    if match is None:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    path, operator, value = match[1].split("."), match[2], match[3]
    return lambda found: (_at(found, path) == value) == (operator != "!=")


def _at(found: object, path: list[str]) -> str:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return "" if found is None else str(found)


def _expression(expression: Object, labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    return {"In": labels.get(key) in values, "NotIn": labels.get(key) not in values,
            "Exists": key in labels, "DoesNotExist": key not in labels}.get(expression["operator"], False)
