"""The node: looks for pods and runs them, restarts what ends, and tells the cluster."""
import base64
import json
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from kubernetes import client

from tests.cluster_node.container import Container, Mount

LOOK_SECONDS = 0.2
RAW: dict[str, Any] = {"_preload_content": False}
SetStatus = Callable[[str, dict[str, Any]], None]


class Pod:
    """The containers of one pod."""

    def __init__(self, name: str, containers: list[Container], grace: float):
        self.name = name
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

    def restart_ended(self) -> None:
        """Start the containers again that ended, as `restartPolicy: Always` says."""
        for container in self.containers:
            if container.exit_code is not None:
                container.restarts += 1
                container.start()

    def status(self) -> dict[str, Any]:
        """What the cluster is told."""
        return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
            {"name": container.name, "ready": True, "restartCount": container.restarts, "image": "", "imageID": "",
             "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}} for container in self.containers]}


class Node:
    """Runs the pods of a namespace until it is closed; a context manager.

    `images` are folders that lie over this machine's files, by image; `claims` the folders behind volume claims.
    """

    def __init__(self, api: client.ApiClient, namespace: str, set_status: SetStatus, folder: Path,
                 images: Mapping[str, Path | None], claims: Mapping[str, Path], grace: float = 10.0):
        self._core = client.CoreV1Api(api)
        self._namespace = namespace
        self._set_status = set_status
        self._folder = folder
        self._images = images
        self._claims = claims
        self._grace = grace
        self.pods: dict[str, Pod] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)
        self.faults: list[Exception] = []

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
        assert not self.faults, self.faults

    def log(self) -> str:
        """What all containers printed."""
        return "\n".join(f"--- {file.parent.parent.name} {file.parent.name}\n{file.read_text(errors='replace')}"
                         for file in sorted(self._folder.glob("*/*/log")))

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:
                self.faults.append(error)

    def _look(self) -> None:
        there = {pod["metadata"]["name"]: pod for pod in self._list()}
        wanted = {name for name, pod in there.items() if not pod["metadata"].get("deletionTimestamp")}
        for name in set(self.pods) - wanted:
            self.pods.pop(name).stop()
        for name in wanted:
            self._run_pod(name, there[name])

    def _list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._core.list_namespaced_pod(self._namespace, **RAW).data)["items"]
        return found

    def _run_pod(self, name: str, described: dict[str, Any]) -> None:
        pod = self.pods.get(name)
        if pod is None:
            pod = self.pods[name] = Pod(name, self._containers(name, described), self._grace)
            pod.start()
        pod.restart_ended()
        status = pod.status()
        if described.get("status", {}).get("containerStatuses") != status["containerStatuses"]:
            self._set_status(name, status)

    def _containers(self, name: str, described: dict[str, Any]) -> list[Container]:
        volumes = {volume["name"]: self._volume(name, volume) for volume in described["spec"]["volumes"]}
        return [Container(one, self._environment(name, one), _mounts(one, volumes), self._images[one["image"]],
                          self._folder / name / one["name"]) for one in described["spec"]["containers"]]

    def _volume(self, pod: str, volume: dict[str, Any]) -> Path:
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

    def _files(self, source: dict[str, Any]) -> dict[str, bytes]:
        if "configMap" in source:
            found = self._get(self._core.read_namespaced_config_map, source["configMap"]["name"])
            plain = {name: text.encode() for name, text in (found.get("data") or {}).items()}
            return plain | _decoded(found.get("binaryData"))
        if "secret" in source:
            return _decoded(self._get(self._core.read_namespaced_secret, source["secret"]["secretName"])["data"])
        return {}

    def _environment(self, pod: str, container: dict[str, Any]) -> dict[str, str]:
        return {variable["name"]: self._value(pod, variable) for variable in container.get("env", ())}

    def _value(self, pod: str, variable: dict[str, Any]) -> str:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            return {"metadata.name": pod, "spec.nodeName": "node-1"}[source["fieldRef"]["fieldPath"]]
        if "secretKeyRef" in source:
            secret = self._get(self._core.read_namespaced_secret, source["secretKeyRef"]["name"])
            return _decoded(secret["data"])[source["secretKeyRef"]["key"]].decode()
        return str(variable.get("value", ""))

    def _get(self, read: Callable[..., Any], name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(read(name, self._namespace, **RAW).data)
        return found

    def forget(self) -> None:
        """Remove what pods left on this machine."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _mounts(container: dict[str, Any], volumes: Mapping[str, Path]) -> list[Mount]:
    return [Mount(volumes[mount["name"]], mount["mountPath"], mount.get("readOnly", False))
            for mount in container.get("volumeMounts", ())]


def _decoded(data: Mapping[str, str] | None) -> dict[str, bytes]:
    return {name: base64.b64decode(content) for name, content in (data or {}).items()}
