"""A whole facility with a cluster: the API server is the fake, the pods' containers are processes of this machine."""
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests

from tests.cluster_node.node import Node
from tests.facility import BIN, Facility
from tests.kubernetes.cluster import Cluster
from tests.production.production import SECONDS, Record, eventually

WORKER_IMAGE = "servicex_app:test"
SIDECAR_IMAGE = "sidecar:test"
SCIENCE_IMAGE = "science:test"
SIDECAR_FOLDER = Path(__file__).parents[1] / "cluster_node" / "sidecar_image"
# Our worker's image is this machine itself, with the environment that the tests run in.
IMAGES: Mapping[str, Path | None] = {WORKER_IMAGE: None, SIDECAR_IMAGE: SIDECAR_FOLDER, SCIENCE_IMAGE: SIDECAR_FOLDER}
CLAIM = "results"
INSTANCE = "on-cluster"
MOST_PODS = 2
GRACE = 5.0


class ClusterFacility(Facility):
    """The server, its database, broker, store and cluster, and one node of that. A context manager."""

    def __init__(self, folder: Path, cluster: Cluster, settings: Mapping[str, str]):
        self.cluster = cluster
        self.volume = folder / "volume"
        self.volume.mkdir()
        super().__init__(folder, {
            "TRANSFORMER_MANAGER_ENABLED": "true", "TRANSFORMER_MANAGER_MODE": "external-kubernetes",
            "KUBECONFIG": str(cluster.kubeconfig), "TRANSFORMER_NAMESPACE": cluster.namespace,
            "INSTANCE_NAME": INSTANCE, "TRANSFORMER_WORKER_IMAGE": WORKER_IMAGE,
            "TRANSFORMER_SIDECAR_IMAGE": SIDECAR_IMAGE, "TRANSFORMER_MAX_REPLICAS": str(MOST_PODS),
            "TRANSFORMER_START_SECONDS": "5", "BUILTIN_SCIENCE_IMAGES": "{}", "RESULTS_VOLUME": str(self.volume),
            "TRANSFORMER_PERSISTENCE_SUBDIR": "out/", "TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM": CLAIM,
            "STALL_SECONDS": "120", **settings})
        self.node = Node(cluster, folder / "node", IMAGES, {CLAIM: self.volume}, GRACE)

    def __enter__(self) -> "ClusterFacility":
        super().__enter__()
        self.node.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            self.node.__exit__(kind, error, trace)
        finally:
            super().__exit__(kind, error, trace)

    def post(self, **body: Any) -> str:
        """Submit a transform; gives the request id."""
        answer = requests.post(f"{self.address}/servicex/transformation", timeout=SECONDS, json={
            "result-format": "root-file", "result-destination": "object-store", **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def get(self, path: str) -> Any:
        """What a route answers."""
        answer = requests.get(f"{self.address}{path}", timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def record(self, request_id: str) -> Record:
        """A transform as clients see it."""
        found: Record = self.get(f"/servicex/transformation/{request_id}")
        return found

    def ended(self, request_id: str, seconds: float = SECONDS) -> Record:
        """A transform when it has ended."""
        eventually(lambda: self.record(request_id)["finish-time"] != "None", seconds)
        return self.record(request_id)

    def cancel_all(self) -> None:
        """Cancel whatever still runs."""
        for transform in self.get("/servicex/transformation")["requests"]:
            if transform["finish-time"] == "None":
                url = f"{self.address}/servicex/transformation/{transform['request_id']}/cancel"
                requests.post(url, timeout=SECONDS)

    def command(self, *words: str) -> str:
        """What a command of the server's prints."""
        return subprocess.run([str(BIN / "servicex-app"), *words], env=self._environment(), check=True, timeout=SECONDS,
                              capture_output=True, text=True).stdout

    def left(self) -> list[str]:
        """The names of the server's objects in the cluster."""
        chosen = {"labelSelector": f"app.kubernetes.io/instance={INSTANCE}"}
        place = f"namespaces/{self.cluster.namespace}"
        lists = ("/apis/apps/v1/{}/deployments", "/api/v1/{}/configmaps", "/api/v1/{}/secrets", "/api/v1/{}/pods")
        found = [self.cluster.ask("GET", kind.format(place), query=chosen)["items"] for kind in lists]
        return [one["metadata"]["name"] for items in found for one in items]

    def containers(self) -> list[str]:
        """The processes of containers that run."""
        return [" ".join(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"])
                if str(self.folder / "node") in " ".join(process.info["cmdline"] or ())]
