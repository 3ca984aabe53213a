"""From a request to its answer: who asks, for what, and what is done."""
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.kubernetes.fake import parts, verbs
from tests.kubernetes.fake.access import check, review
from tests.kubernetes.fake.decoding import decode, decode_as
from tests.kubernetes.fake.discovery import discover
from tests.kubernetes.fake.errors import method_not_allowed
from tests.kubernetes.fake.queries import Query, is_true, whole_number
from tests.kubernetes.fake.resources import ACCESS_REVIEWS, NAMESPACES, Object, Target, parse_path
from tests.kubernetes.fake.selectors import field_matcher, label_matcher
from tests.kubernetes.fake.versions import shown
from tests.kubernetes.fake.watches import LONGEST_SECONDS, Selection, Watch, events

if TYPE_CHECKING:
    from tests.kubernetes.fake.server import State


@dataclass(frozen=True)
class Question:
    """A request, taken apart."""

    method: str
    path: str
    query: Query
    body: Any
    content_type: str
    authorization: str | None

    @property
    def watches(self) -> bool:
        """Whether changes are asked for."""
        return is_true(self.query, "watch")


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """Events that are sent as they come."""

    events: Iterator[Object | None]


def answer(state: "State", question: Question) -> Answer | Stream:
    """Do what is asked; raises ApiError."""
    caller = state.callers.of(question.authorization)
    if question.method == "GET" and (found := discover(question.path)) is not None:
        return _text(found) if isinstance(found, str) else _json(found)
    target = parse_path(question.path)
    check(caller, _verb(question, target), target)
    if target.resource is ACCESS_REVIEWS:
        return _json(review(caller, decode(target, question.body)), 201)
    if target.subresource in _PARTS:
        return _part(state, target, question)
    if target.subresource and question.method not in ("GET", "PUT", "PATCH"):
        raise method_not_allowed()
    return _on_one(state, target, question) if target.name else _on_many(state, target, question)


def _verb(question: Question, target: Target) -> str:
    if question.method == "GET" and not target.name:
        return "watch" if question.watches else "list"
    if question.method == "DELETE" and not target.name:
        return "deletecollection"
    return {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[question.method]


def _on_one(state: "State", target: Target, question: Question) -> Answer:
    store, query, body = state.store, question.query, question.body
    with store.changed:
        if question.method == "GET":
            found = shown(target, verbs.find(store, target))
        elif question.method == "PUT":
            found = verbs.replace(store, target, body, query)
        elif question.method == "PATCH":
            found = verbs.patch(store, target, body, query, question.content_type)
        elif question.method == "DELETE":
            found = _delete(state, target, question)
        else:
            raise method_not_allowed()
        state.settle()
        return _json(found)


def _delete(state: "State", target: Target, question: Question) -> Object:
    if target.resource is NAMESPACES:
        for resource, found in list(state.store.everything()):
            if found["metadata"].get("namespace") == target.name:
                state.store.remove(resource, found)
    return verbs.remove(state.store, target, _delete_options(question), state.settle)


def _on_many(state: "State", target: Target, question: Question) -> Answer | Stream:
    store, query = state.store, question.query
    if question.method == "GET" and question.watches:
        return Stream(events(store, _watch(target, query), state.closing))
    with store.changed:
        if question.method == "GET":
            return _json(verbs.list_objects(store, target, _selection(target, query), query))
        if question.method == "POST":
            found = verbs.create(store, target, question.body, query)
            state.settle()
            return _json(found, 201)
        if question.method == "DELETE":
            return _json(verbs.remove_all(store, target, _selection(target, query), _delete_options(question),
                                          state.settle))
    raise method_not_allowed()


def _selection(target: Target, query: Query) -> Selection:
    labels, fields = label_matcher(query.get("labelSelector", "")), field_matcher(query.get("fieldSelector", ""))
    return Selection(target.resource, target.namespace, lambda found: labels(found) and fields(found),
                     lambda found: shown(target, found))


def _watch(target: Target, query: Query) -> Watch:
    since, seconds = whole_number(query, "resourceVersion"), whole_number(query, "timeoutSeconds")
    return Watch(_selection(target, query), since or None, seconds or LONGEST_SECONDS,
                 is_true(query, "allowWatchBookmarks"))


def _delete_options(question: Question) -> Object:
    """What the body says, and then the query, which counts where both speak."""
    options = decode_as("V1DeleteOptions", question.body or {}, "DeleteOptions")
    query = question.query
    if "propagationPolicy" in query:
        options["propagationPolicy"] = query["propagationPolicy"]
    if "orphanDependents" in query:
        options["orphanDependents"] = is_true(query, "orphanDependents")
    if "gracePeriodSeconds" in query:
        options["gracePeriodSeconds"] = whole_number(query, "gracePeriodSeconds")
    return options


def _part(state: "State", target: Target, question: Question) -> Answer:
    do = _PARTS[target.subresource].get(question.method)
    if do is None:
        raise method_not_allowed()
    with state.store.changed:
        found = do(state, target, question)
        state.settle()
    if isinstance(found, str):
        return _text(found)
    return _json(found, 201 if question.method == "POST" else 200)


_Do = Callable[["State", Target, Question], Object | str]
_PARTS: dict[str, dict[str, _Do]] = {
    "scale": {
        "GET": lambda state, target, _: parts.scale_of(verbs.find(state.store, target)),
        "PUT": lambda state, target, asked: parts.replace_scale(state.store, target, asked.body),
        "PATCH": lambda state, target, asked: parts.patch_scale(state.store, target, asked.body, asked.content_type)},
    "log": {"GET": lambda state, target, asked: parts.log_of(state.store, target, state.logs, asked.query)},
    "binding": {"POST": lambda state, target, asked: parts.bind(state.store, target, asked.body)},
}


def _text(found: str) -> Answer:
    return Answer(200 if found else 204, found.encode(), "text/plain")


def _json(found: Object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(found).encode())
