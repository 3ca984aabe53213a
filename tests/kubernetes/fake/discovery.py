"""What the server tells of itself: version, health, groups and resources."""
from tests.kubernetes.fake.resources import ACCESS_REVIEWS, RESOURCES, Object, Resource

VERSION = {"major": "1", "minor": "20", "gitVersion": "v1.20.2", "gitCommit": "unknown", "gitTreeState": "archive",
           "buildDate": "1970-01-01T00:00:00Z", "goVersion": "go1.19.8", "compiler": "gc", "platform": "linux/amd64"}
_ALL = (*RESOURCES, ACCESS_REVIEWS)
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def discover(path: str) -> Object | str | None:
    """What is at a path that tells of the server, text where it is no object, None where it is no such path."""
    path = path.rstrip("/")
    if path in ("/healthz", "/livez", "/readyz"):
        return "ok"
    if path == "/version":
        return VERSION
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups()]}
    for name in _groups():
        if path == f"/apis/{name}":
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}
    for version in sorted({each.versioned(known) for each in _ALL for known in each.versions}):
        if path == (f"/apis/{version}" if "/" in version else f"/api/{version}"):
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
                    "resources": _resources(version)}
    return None


def _groups() -> list[str]:
    return list(dict.fromkeys(each.group for each in _ALL if each.group))


def _group(name: str) -> Object:
    versions = next(each.versions for each in _ALL if each.group == name)
    told = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": told, "preferredVersion": told[0]}


def _resources(version: str) -> list[Object]:
    found = [each for each in _ALL if version in {each.versioned(known) for known in each.versions}]
    return [entry for each in found for entry in _entries(each)]


def _entries(resource: Resource) -> list[Object]:
    told = {"singularName": "", "namespaced": resource.namespaced, "kind": resource.kind}
    verbs = ["create"] if resource is ACCESS_REVIEWS else _VERBS
    return [{"name": resource.plural, **told, "verbs": verbs},
            *({"name": f"{resource.plural}/{part}", **told, "verbs": ["get", "patch", "update"]}
              for part in resource.subresources)]
