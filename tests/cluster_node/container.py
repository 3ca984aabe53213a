"""One container: what its specification says, as a process."""
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("container.sh")
BIN = Path(sys.executable).parent
CHECKOUT = Path(__file__).parents[2]
# What container runtimes leave a container, unless told (Docker's documentation, "Runtime privilege and capabilities").
DEFAULT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
                        "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP")
VARIABLE = re.compile(r"\$\$|\$\((\w+)\)")


@dataclass(frozen=True)
class Mount:
    """A folder of this machine that the container finds at a path."""

    source: Path
    path: str
    read_only: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.path}:{'ro' if self.read_only else 'rw'}"


class Container:
    """Runs `specification` with its environment and its mounts, on the image's folder over this machine's files."""

    def __init__(self, specification: Mapping[str, Any], environment: Mapping[str, str], mounts: list[Mount],
                 image: Path | None, folder: Path):
        self.name = str(specification["name"])
        self.restarts = 0
        self._command = _command(specification, environment)
        self._environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": "/tmp", **environment}
        self._mounts = [str(mount) for mount in mounts]
        self._image = str(image or "")
        self._capabilities = _capabilities(specification)
        self._folder = folder
        self._folder.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        root = self._folder / "root"
        root.mkdir(exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "sh", str(SCRIPT), str(root),
                 self._image, self._capabilities, str(CHECKOUT), *self._mounts, "--", *self._command],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    @property
    def log_file(self) -> Path:
        """What it printed."""
        return self._folder / "log"

    @property
    def exit_code(self) -> int | None:
        """With what it ended; None while it runs."""
        return self._process.poll() if self._process else None

    def terminate(self) -> None:
        """Ask it to end, as a cluster does."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it with all its processes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self, seconds: float) -> bool:
        """Whether it ends within some seconds."""
        try:
            return self._process is None or self._process.wait(seconds) is not None
        except subprocess.TimeoutExpired:
            return False

    def _signal(self, number: int) -> None:
        """Send a signal to its first process: `unshare` itself passes none on."""
        if self._process is None or self._process.poll() is not None:
            return
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), number)


def _command(specification: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """The command with variables put in as a cluster does it: $(NAME) is the value, $$ is $."""
    words = [*specification.get("command", ()), *specification.get("args", ())]
    return [VARIABLE.sub(lambda found: _value(found, environment), word) for word in words]


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    return "$" if found[0] == "$$" else environment.get(found[1], found[0])


def _capabilities(specification: Mapping[str, Any]) -> str:
    wanted = specification.get("securityContext", {}).get("capabilities", {})
    dropped = "ALL" in wanted.get("drop", ())
    kept = [*(() if dropped else DEFAULT_CAPABILITIES), *wanted.get("add", ())]
    return ",".join(["-all", *(f"+{name.lower()}" for name in dict.fromkeys(kept))])
