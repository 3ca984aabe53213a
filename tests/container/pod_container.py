"""A pod's container in the real image: the node of tests/cluster_node runs it by Docker instead of as a process."""
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster_node.container import Container, Mount
from tests.container.engine import HOST_NETWORK, Engine


class PodContainer(Container):
    """A container with the command, mounts, user and capabilities of its specification, in the machine's network."""

    def __init__(self, engine: Engine, specification: Mapping[str, Any], environment: Mapping[str, str],
                 mounts: list[Mount], image: Path | None, folder: Path):
        super().__init__(specification, environment, mounts, image, folder)
        self._engine = engine
        self._name = f"servicex-worker-{uuid.uuid4().hex[:8]}"
        self._options = [*_environment(environment), *_security(specification["securityContext"]),
                         *(word for mount in self._mounts for word in ("--volume", mount))]
        self._image_name = str(specification["image"])

    def start(self) -> None:
        """Start it, or start it again."""
        program, *arguments = self._command
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._engine.command, "run", "--rm", "--name", self._name, *HOST_NETWORK, *self._options,
                 "--entrypoint", program, self._image_name, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def terminate(self) -> None:
        """Ask it to end, as a cluster does."""
        self._engine.run("kill", "--signal", "TERM", self._name)

    def kill(self) -> None:
        """End it with all its processes."""
        self._engine.run("rm", "--force", self._name)
        super().kill()


def _environment(environment: Mapping[str, str]) -> list[str]:
    return [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]


def _security(wanted: Mapping[str, Any]) -> list[str]:
    """What Docker calls the fields of a security context."""
    assert wanted["readOnlyRootFilesystem"] and not wanted["allowPrivilegeEscalation"]
    capabilities = wanted["capabilities"]
    return ["--read-only", "--security-opt", "no-new-privileges", "--user", str(wanted["runAsUser"]),
            *(word for name in capabilities["drop"] for word in ("--cap-drop", name)),
            *(word for name in capabilities["add"] for word in ("--cap-add", name))]
