"""The patches that the API server takes: JSON patch, merge patch, strategic merge patch."""
import copy
from typing import Any

from tests.kubernetes.fake.errors import ApiError, bad_request
from tests.kubernetes.fake.resources import Object

JSON, MERGE, STRATEGIC = (f"application/{kind}+json" for kind in ("json-patch", "merge-patch", "strategic-merge-patch"))

# Lists that a strategic merge patch merges, by the key that tells their members apart.
_MERGE_KEYS = {"containers": "name", "initContainers": "name", "env": "name", "volumes": "name",
               "volumeMounts": "mountPath", "ports": "containerPort", "conditions": "type", "ownerReferences": "uid",
               "imagePullSecrets": "name", "podIPs": "ip", "hostAliases": "ip"}


def patched(found: Object, patch: Any, content_type: str) -> Object:
    """The object with the patch; raises ApiError for a patch of an unknown kind or one that cannot be understood."""
    if content_type == JSON:
        return _json_patched(copy.deepcopy(found), patch)
    if content_type not in (MERGE, STRATEGIC):
        raise ApiError(415, "UnsupportedMediaType", f"the body of the request was in an unknown format - accepted media"
                       f" types include: {JSON}, {MERGE}, {STRATEGIC}", {})
    if not isinstance(patch, dict):
        raise bad_request("the patch is no object")
    return _merged(copy.deepcopy(found), patch, strategic=content_type == STRATEGIC)


def _merged(target: Any, patch: Object, strategic: bool) -> Object:
    result = target if isinstance(target, dict) else {}
    if strategic and patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merged(result.get(key), value, strategic)
        elif strategic and isinstance(value, list) and key in _MERGE_KEYS:
            result[key] = _merged_list(result.get(key) or [], value, _MERGE_KEYS[key])
        elif strategic and key == "finalizers":
            result[key] = list(dict.fromkeys([*(result.get(key) or []), *value]))
        else:
            result[key] = value
    return result


def _merged_list(target: list[Object], patch: list[Object], merge_key: str) -> list[Object]:
    if any(isinstance(each, dict) and each.get("$patch") == "replace" for each in patch):
        return [each for each in patch if "$patch" not in each]
    result = list(target)
    for each in patch:
        if not isinstance(each, dict) or merge_key not in each:
            raise bad_request(f"map: {each} does not contain declared merge key: {merge_key}")
        known = next((old for old in result if old.get(merge_key) == each[merge_key]), None)
        if each.get("$patch") == "delete":
            result = [old for old in result if old is not known]
        elif known is None:
            result.append(_merged({}, each, strategic=True))
        else:
            result[result.index(known)] = _merged(known, each, strategic=True)
    return result


def _json_patched(target: Any, patch: Any) -> Object:
    if not isinstance(patch, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in patch:
        try:
            _apply(target, operation["op"], operation["path"].split("/")[1:], operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError):
            raise ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {}) \
                from None
    result: Object = target
    return result


def _apply(target: Any, kind: str, path: list[str], operation: Object) -> None:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in path]
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else target[part]
    key: Any = last
    if isinstance(target, list):
        key = len(target) if last == "-" else int(last)
    if kind == "test" and target[key] != operation["value"]:
        raise ValueError("the test fails")
    if kind == "remove" or (kind == "replace" and target[key] is not None):
        del target[key]
    if kind in ("add", "replace"):
        target.insert(key, operation["value"]) if isinstance(target, list) else target.update({key: operation["value"]})
    if kind not in ("add", "replace", "remove", "test"):
        raise ValueError("an unknown operation")
