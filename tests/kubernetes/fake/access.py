"""Who asks, and what they may not do."""
import secrets
from dataclasses import dataclass, field

from tests.kubernetes.fake.errors import ApiError, forbidden, unauthorized
from tests.kubernetes.fake.resources import ACCESS_REVIEWS, Object, Target

ANYTHING = "*"


@dataclass
class Caller:
    """A user, who may do everything, or everything within one namespace but for some verbs on some resources.

    `denied` holds resources and verbs, as in `("pods/log", "get")`; the verb may be `*`. Resources of subresources are
    told apart, as in Kubernetes: without rights on `pods` logs can still be read.
    """

    name: str
    namespace: str | None = None
    denied: set[tuple[str, str]] = field(default_factory=set)

    def may(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether they may do that."""
        if self.namespace is not None and namespace != self.namespace:
            return False
        return not self.denied & {(resource, verb), (resource, ANYTHING)}


class Callers:
    """The users by their tokens."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}

    def add(self, caller: Caller) -> str:
        """Let them in; returns their token."""
        token = secrets.token_hex(16)
        self._callers[token] = caller
        return token

    def of(self, authorization: str | None) -> Caller:
        """Who it is, by the header; raises ApiError 401 for a token of nobody."""
        if not authorization:
            return Caller("system:anonymous", namespace="")
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or token not in self._callers:
            raise unauthorized()
        return self._callers[token]


def check(caller: Caller, verb: str, target: Target) -> None:
    """Raise ApiError 403 if the caller may not do that. Everybody but strangers may ask what they may do."""
    resource = target.resource
    if resource is ACCESS_REVIEWS and caller.name != "system:anonymous":
        return
    full = f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural
    if not caller.may(verb, full, target.namespace):
        raise refusal(caller, verb, full, target)


def refusal(caller: Caller, verb: str, full: str, target: Target) -> ApiError:
    """What is answered to somebody who may not do that."""
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    return forbidden(target.resource.plural, target.resource.group, target.name,
                     f'User "{caller.name}" cannot {verb} resource "{full}" in API group "{target.resource.group}" '
                     f"{scope}")


def review(caller: Caller, body: Object) -> Object:
    """The answer to a question of what the caller may do."""
    asked = body.get("spec", {}).get("resourceAttributes", {})
    resource = "/".join(filter(None, (asked.get("resource", ""), asked.get("subresource", ""))))
    return {**body, "status": {"allowed": caller.may(asked.get("verb", ""), resource, asked.get("namespace", ""))}}
