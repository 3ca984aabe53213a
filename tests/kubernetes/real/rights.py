"""Users with fewer rights on a real API server: a role in the namespace of the test, bound to one of the users."""
import itertools
import time
from collections import defaultdict

from tests.kubernetes.cluster import Asker, Object
from tests.kubernetes.fake.resources import RESOURCES
from tests.kubernetes.real.control_plane import ControlPlane

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ROLES = "rbac.authorization.k8s.io"
# How long the API server may take to act on what it has stored.
HEED_SECONDS = 20.0


class RealRights:
    """See `Rights`."""

    def __init__(self, plane: ControlPlane):
        self._plane = plane
        self._given: dict[str, itertools.count[int]] = defaultdict(lambda: itertools.count(1))

    def limited_token(self, namespace: str, denied: set[tuple[str, str]]) -> str:
        """See `Rights`."""
        user = f"limited-{next(self._given[namespace])}"
        access, rules = self._plane.limited[user], _rules(denied)
        path = f"/apis/{ROLES}/v1/namespaces/{namespace}"
        admin = Asker(self._plane.access)
        admin.ask("POST", f"{path}/roles", {"metadata": {"name": user}, "rules": rules})
        admin.ask("POST", f"{path}/rolebindings", {
            "metadata": {"name": user}, "roleRef": {"apiGroup": ROLES, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": ROLES, "kind": "User", "name": user}]})
        _wait_for(Asker(access), namespace, rules[0])
        return access.token

    def refuse_pods(self, namespace: str) -> None:
        """See `Rights`."""
        admin = Asker(self._plane.access)
        path = f"/api/v1/namespaces/{namespace}/resourcequotas"
        admin.ask("POST", path, {"metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}})
        end = time.monotonic() + HEED_SECONDS
        while "hard" not in admin.ask("GET", f"{path}/no-pods").get("status", {}):
            assert time.monotonic() < end, "the quota is not heeded"
            time.sleep(0.1)


def _wait_for(user: Asker, namespace: str, rule: Object) -> None:
    """Till the first right of the rule is heeded."""
    asked = {"namespace": namespace, "verb": rule["verbs"][0], "group": rule["apiGroups"][0]}
    asked["resource"], _, asked["subresource"] = rule["resources"][0].partition("/")
    end = time.monotonic() + HEED_SECONDS
    while not user.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                       {"spec": {"resourceAttributes": asked}})["status"]["allowed"]:
        assert time.monotonic() < end, "the role is not heeded"
        time.sleep(0.05)


def _rules(denied: set[tuple[str, str]]) -> list[Object]:
    rules = []
    for resource in RESOURCES:
        for name in (resource.plural, *(f"{resource.plural}/{part}" for part in resource.subresources)):
            verbs = [verb for verb in VERBS if not denied & {(name, verb), (name, "*")}]
            if verbs:
                rules.append({"apiGroups": [resource.group], "resources": [name], "verbs": verbs})
    return rules
