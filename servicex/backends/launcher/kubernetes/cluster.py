"""The cluster: its objects as plain dicts, its refusals as errors of ours."""
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from servicex.backends.launcher.kubernetes.names import selector
from servicex.errors import ServiceXError, Unavailable
from servicex.settings import InvalidSettings

Object = dict[str, Any]
# Seconds to connect, and to wait for an answer.
PATIENCE = (3.0, 15.0)
PAGE = 500
LARGEST_LOG = 256 * 1024
RAW: dict[str, Any] = {"_preload_content": False, "_request_timeout": PATIENCE}
MERGE = "application/merge-patch+json"
FORBIDDEN, MISSING, CONFLICT = 403, 404, 409
# What is wrong with the object, not with the cluster: to send it again is no use.
FAULTY = (400, 413, 422)
# How the client library calls the kinds of objects.
KINDS = {"Deployment": "deployment", "ConfigMap": "config_map", "Secret": "secret", "Pod": "pod"}


class NotAllowed(Unavailable):
    """Raised when the service account may not do what is asked."""


def connect(internal: bool) -> client.ApiClient:
    """A client of the cluster that this process runs in, or that the kubeconfig file names. Raises InvalidSettings."""
    configuration = client.Configuration()
    try:
        if internal:
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(client_configuration=configuration)
    except (config.ConfigException, OSError) as error:
        raise InvalidSettings(f"The cluster is not known: {error} (TRANSFORMER_MANAGER_MODE, KUBECONFIG)") from error
    configuration.retries = False
    return client.ApiClient(configuration)


class Cluster:
    """One namespace of a cluster. May be used from any thread.

    Each method raises Unavailable when the cluster does not answer or cannot just now, NotAllowed when it forbids what
    is asked, and ServiceXError when it takes an object for wrong. The kinds are those of `KINDS`.
    """

    def __init__(self, api: client.ApiClient, namespace: str):
        self._namespace = namespace
        self._apps = client.AppsV1Api(api)
        self._core = client.CoreV1Api(api)

    def create(self, body: Object) -> bool:
        """Make an object; False if there is one of that name."""
        create = self._method("create", body["kind"])
        return _ask(lambda: create(self._namespace, body, **RAW), none_for=(CONFLICT,)) is not None

    def get(self, kind: str, name: str) -> Object | None:
        """An object; None if there is none of that name."""
        read = self._method("read", kind)
        return _object(_ask(lambda: read(name, self._namespace, **RAW)))

    def patch(self, kind: str, name: str, changes: Object) -> Object | None:
        """Merge changes into an object; gives it as it is then, None if there is none of that name."""
        patch = self._method("patch", kind)
        return _object(_ask(lambda: patch(name, self._namespace, changes, _content_type=MERGE, **RAW)))

    def list(self, kind: str, labels: Mapping[str, str]) -> Iterator[Object]:
        """The objects with these labels, page by page: one page with all would hold up the cluster."""
        read = self._method("list", kind)
        wanted: dict[str, Any] = {"label_selector": selector(labels), "limit": PAGE}
        while True:
            page = json.loads(_ask(partial(read, self._namespace, **wanted, **RAW), none_for=()).data)
            yield from page["items"]
            wanted["_continue"] = page["metadata"].get("continue")
            if not wanted["_continue"]:
                return

    def delete(self, kind: str, name: str) -> None:
        """Remove an object, and in time all that it owns; does nothing if there is none of that name."""
        delete = self._method("delete", kind)
        _ask(lambda: delete(name, self._namespace, propagation_policy="Background", **RAW))

    def log(self, pod: str, container: str, tail: int) -> str:
        """The last lines that a container printed; empty if there are none."""
        answer = _ask(lambda: self._core.read_namespaced_pod_log(
            pod, self._namespace, container=container, tail_lines=tail, limit_bytes=LARGEST_LOG, **RAW),
            none_for=(MISSING, *FAULTY))
        return "" if answer is None else answer.data.decode("utf-8", "replace")

    def _method(self, verb: str, kind: str) -> Callable[..., Any]:
        api = self._apps if kind == "Deployment" else self._core
        method: Callable[..., Any] = getattr(api, f"{verb}_namespaced_{KINDS[kind]}")
        return method


def _ask(call: Callable[[], Any], none_for: tuple[int, ...] = (MISSING,)) -> Any:
    """What the cluster answers; None for the refusals in `none_for`."""
    try:
        return call()
    except ApiException as error:
        if error.status in none_for:
            return None
        raise _refusal(error) from error
    except (HTTPError, OSError) as error:
        raise Unavailable(f"The cluster does not answer: {type(error).__name__}.") from error


def _object(answer: Any) -> Object | None:
    return None if answer is None else json.loads(answer.data)


def _refusal(error: ApiException) -> ServiceXError:
    """A refusal of the cluster, in its own words."""
    words = _words(error)
    if error.status == FORBIDDEN and "exceeded quota" not in words:
        return NotAllowed(f"The cluster forbids it: {words}")
    if error.status in FAULTY:
        return ServiceXError(f"The cluster does not take it: {words}")
    return Unavailable(f"The cluster cannot do it now ({error.status}): {words}")


def _words(error: ApiException) -> str:
    try:
        words = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        words = error.reason
    return str(words)[:1000]
