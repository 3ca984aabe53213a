"""A cluster as tests use it, whether the API server behind it is the fake or a real one."""
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import yaml
from kubernetes import client
from kubernetes.client import ApiClient

from tests.kubernetes.fake import FakeKubernetes

Object = dict[str, Any]
Result = TypeVar("Result")

WAIT_SECONDS = 30.0


class Rights(Protocol):
    """Makes users with fewer rights, which differs between the fake and the real API server."""

    def limited_token(self, namespace: str, denied: set[tuple[str, str]]) -> str:
        """The token of a user who has rights in that namespace, and not those (resource, verb)."""

    def refuse_pods(self, namespace: str) -> None:
        """Have controllers make no more pods in that namespace, as under a quota."""


@dataclass(frozen=True)
class Access:
    """Where an API server is and how a client gets in."""

    url: str
    token: str
    authority: Path | None = None

    def client(self) -> ApiClient:
        """A client of the real library."""
        configuration = client.Configuration(host=self.url)
        configuration.api_key = {"authorization": f"Bearer {self.token}"}
        # Without that the client asks five times where a connection fails, and hides what a test looks for.
        configuration.retries = False
        if self.authority is not None:
            configuration.ssl_ca_cert = str(self.authority)
        return ApiClient(configuration)

    def kubeconfig(self, namespace: str) -> str:
        """The text of a kubeconfig file."""
        cluster: Object = {"server": self.url}
        if self.authority is not None:
            cluster["certificate-authority"] = str(self.authority)
        return yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}], "users": [{"name": "test",
                                                                           "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}]})


class Asker:
    """Asks an API server as one user; `client` is one of the real library."""

    def __init__(self, access: Access):
        self.access = access
        self.client = access.client()

    def answer(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None,
               content_type: str = "application/json") -> tuple[int, Any]:
        """The status and the body, read if it is JSON, of one request."""
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        found = self.client.rest_client.pool_manager.request(
            method, self.access.url + path + _query(query), body=content, timeout=WAIT_SECONDS, retries=False,
            headers={"Authorization": f"Bearer {self.access.token}", "Content-Type": content_type})
        told = found.headers.get("Content-Type", "")
        return found.status, json.loads(found.data or b"null") if "json" in told else found.data.decode()

    def ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None,
            content_type: str = "application/json") -> Any:
        """What is answered to a request that must succeed."""
        status, found = self.answer(method, path, body, query, content_type)
        assert status < 300, f"{method} {path}: {status} {found}"
        return found


class Cluster(Asker):
    """One namespace of a cluster, with a `client` that may do everything, and a file `kubeconfig` that says so.

    `fake` has the knobs of the fake server, and is None for a real one.
    """

    def __init__(self, access: Access, namespace: str, folder: Path, rights: Rights,
                 fake: FakeKubernetes | None = None):
        super().__init__(access)
        self.namespace, self.fake = namespace, fake
        self._folder, self._rights = folder, rights
        folder.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(access.kubeconfig(namespace))

    @property
    def is_fake(self) -> bool:
        """Whether it is the fake."""
        return self.fake is not None

    def pods(self, selector: str = "") -> list[Object]:
        """The pods that match a label selector, as plain dicts, by name."""
        return self.ask("GET", f"/api/v1/namespaces/{self.namespace}/pods", query={"labelSelector": selector})["items"]

    def set_pod_status(self, pod: Object, status: Object) -> Object:
        """Put a status (see `pod_states`) in the place of the pod's; returns the pod as it is then."""
        path = self._pod_path(pod)
        return self.ask("PUT", f"{path}/status", {**self.ask("GET", path), "status": status})

    def bind_pod(self, pod: Object, node: str = "node-1") -> None:
        """Put the pod on a node, as the scheduler does. From then on it ends only when told `end_pod`."""
        self.ask("POST", f"{self._pod_path(pod)}/binding", {
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node}})

    def end_pod(self, pod: Object) -> None:
        """Let go of a pod on a node, as the node does when its containers have ended."""
        self.ask("DELETE", self._pod_path(pod), query={"gracePeriodSeconds": "0"})

    def without_rights(self, *resources: str, verbs: tuple[str, ...] = ("*",)) -> "Cluster":
        """The same namespace for a user who may not do that, such as `pods`, `pods/log`; other namespaces are closed.

        Rights on subresources are separate, as in Kubernetes.
        """
        denied = {(resource, verb) for resource in resources for verb in verbs}
        token = self._rights.limited_token(self.namespace, denied)
        access = Access(self.access.url, token, self.access.authority)
        return Cluster(access, self.namespace, self._folder / token[:8], self._rights, self.fake)

    def refuse_pods(self) -> None:
        """Have Deployments make no more pods, as under a quota that is used up."""
        self._rights.refuse_pods(self.namespace)

    def wait(self, look: Callable[[], Result], seconds: float = WAIT_SECONDS) -> Result:
        """What `look` gives once it is true; fails if that takes too long."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, "what was waited for has not come"
            time.sleep(0.02 if self.is_fake else 0.1)
        return found

    def _pod_path(self, pod: Object) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}"


def _query(query: dict[str, str] | None) -> str:
    return f"?{urlencode(query)}" if query else ""
