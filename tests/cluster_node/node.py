"""The node: looks for pods and runs them, restarts what ends, and tells the cluster."""
import base64
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.cluster_node.container import Container, Mount
from tests.kubernetes import pod_states
from tests.kubernetes.cluster import Cluster, Object

LOOK_SECONDS = 0.2


class Pod:
    """The containers of one pod."""

    def __init__(self, containers: list[Container], grace: float):
        self.containers = containers
        self._grace = grace

    def start(self) -> None:
        """Start all containers."""
        for container in self.containers:
            container.start()

    def stop(self) -> None:
        """Ask all containers to end, and end those that do not in time."""
        for container in self.containers:
            container.terminate()
        for container in self.containers:
            container.wait(self._grace)
            container.kill()

    @property
    def restarts(self) -> int:
        """How often one of its containers was started again."""
        return sum(container.restarts for container in self.containers)


class Node:
    """Runs the pods of a cluster's namespace until it is closed; a context manager.

    `images` are folders that lie over this machine's files, by image; `claims` the folders behind volume claims. A pod
    has `grace` seconds to end.
    """

    def __init__(self, cluster: Cluster, folder: Path, images: Mapping[str, Path | None],
                 claims: Mapping[str, Path] | None = None, grace: float = 10.0):
        self._cluster = cluster
        self._folder = folder
        self._images = images
        self._claims = claims or {}
        self._grace = grace
        self.pods: dict[str, Pod] = {}
        # What the last look failed of: a pod that was removed meanwhile, or something that stays.
        self._fault: Exception | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    def __enter__(self) -> "Node":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._closing.set()
        self._thread.join()
        for pod in self.pods.values():
            for container in pod.containers:
                container.kill()
        if self._fault is not None:
            raise self._fault

    def log(self) -> str:
        """What all containers printed."""
        return "\n".join(f"--- {file.parent.parent.name} {file.parent.name}\n{file.read_text(errors='replace')}"
                         for file in sorted(self._folder.glob("*/*/log")))

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self._look()
                self._fault = None
            except Exception as error:
                self._fault = error

    def _look(self) -> None:
        for pod in self._cluster.pods():
            name, running = pod["metadata"]["name"], self.pods.get(pod["metadata"]["name"])
            if pod["metadata"].get("deletionTimestamp"):
                self._end(name, pod)
            elif running is None:
                self._begin(name, pod)
            else:
                self._see_to(name, running)

    def _see_to(self, name: str, pod: Pod) -> None:
        """Start containers again that ended, and have the cluster know what they print."""
        for container in pod.containers:
            if container.exit_code is not None:
                container.restarts += 1
                container.start()
            if self._cluster.fake is not None:
                text = container.log_file.read_text(errors="replace")
                self._cluster.fake.set_log(self._cluster.namespace, name, container.name, text)

    def _begin(self, name: str, pod: Object) -> None:
        unknown = [one for one in pod["spec"]["containers"] if one["image"] not in self._images]
        if unknown:
            self._cluster.set_pod_status(pod, pod_states.image_pull_back_off(pod, unknown[0]["name"]))
            return
        self._cluster.bind_pod(pod)
        self.pods[name] = begun = Pod(self._containers(name, pod), self._grace)
        begun.start()
        self._cluster.set_pod_status(pod, pod_states.running(pod))

    def _end(self, name: str, pod: Object) -> None:
        running = self.pods.pop(name, None)
        if running is not None:
            running.stop()
        self._cluster.end_pod(pod)

    def _containers(self, name: str, described: Object) -> list[Container]:
        volumes = {volume["name"]: self._volume(name, volume) for volume in described["spec"]["volumes"]}
        return [Container(one, self._environment(name, one), _mounts(one, volumes), self._images[one["image"]],
                          self._folder / name / one["name"]) for one in described["spec"]["containers"]]

    def _volume(self, pod: str, volume: Object) -> Path:
        """The folder with what is in a volume."""
        if "hostPath" in volume:
            return Path(volume["hostPath"]["path"])
        if "persistentVolumeClaim" in volume:
            return self._claims[volume["persistentVolumeClaim"]["claimName"]]
        folder = self._folder / pod / "volumes" / volume["name"]
        folder.mkdir(parents=True)
        folder.chmod(0o777)  # as an emptyDir is
        for source in volume.get("projected", {}).get("sources", [volume]):
            for file, content in self._files(source).items():
                (folder / file).write_bytes(content)
        return folder

    def _files(self, source: Object) -> dict[str, bytes]:
        if "configMap" in source:
            found = self._get("configmaps", source["configMap"]["name"])
            plain = {name: text.encode() for name, text in (found.get("data") or {}).items()}
            return plain | _decoded(found.get("binaryData"))
        if "secret" in source:
            return _decoded(self._get("secrets", source["secret"]["secretName"])["data"])
        return {}

    def _environment(self, pod: str, container: Object) -> dict[str, str]:
        return {variable["name"]: self._value(pod, variable) for variable in container.get("env", ())}

    def _value(self, pod: str, variable: Object) -> str:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            return {"metadata.name": pod, "spec.nodeName": "node-1"}[source["fieldRef"]["fieldPath"]]
        if "secretKeyRef" in source:
            secret = self._get("secrets", source["secretKeyRef"]["name"])
            return _decoded(secret["data"])[source["secretKeyRef"]["key"]].decode()
        return str(variable.get("value", ""))

    def _get(self, kind: str, name: str) -> Object:
        found: Object = self._cluster.ask("GET", f"/api/v1/namespaces/{self._cluster.namespace}/{kind}/{name}")
        return found


def _mounts(container: Object, volumes: Mapping[str, Path]) -> list[Mount]:
    return [Mount(volumes[mount["name"]], mount["mountPath"], mount.get("readOnly", False))
            for mount in container.get("volumeMounts", ())]


def _decoded(data: Mapping[str, str] | None) -> dict[str, bytes]:
    return {name: base64.b64decode(content) for name, content in (data or {}).items()}
