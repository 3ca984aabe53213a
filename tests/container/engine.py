"""A Docker engine: the one that runs, else one of the tests' own, where root can start it."""
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.container.dockerfile import ROOT
from tests.setup.debian import install
from tests.setup.places import cache_folder

BASE = "python:3.11-slim"
IMAGE = "servicex_app:latest"
SECONDS_TO_START = 60.0
SECONDS_TO_BUILD = 1200.0
# No address translation, which many machines forbid: containers of this engine are in the network of the machine.
OWN_ENGINE = ("--iptables=false", "--ip6tables=false", "--bridge=none")
HOST_NETWORK = ("--network", "host")
PUBLISHED = ("-p8000:5000",)


class NoEngine(Exception):
    """Raised when no engine runs and none can be started here."""


@dataclass(frozen=True)
class Engine:
    """An engine, as its command line sees it: `network` is for builds, `publish` has port 5000 reached at `address`."""

    command: tuple[str, ...]
    network: tuple[str, ...] = ()
    publish: tuple[str, ...] = PUBLISHED
    address: str = "http://localhost:8000"

    def run(self, *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run one of docker's commands to its end."""
        return subprocess.run([*self.command, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=seconds)

    def say(self, *arguments: str, seconds: float = 60.0) -> str:
        """What one of docker's commands prints. Raises AssertionError if it fails."""
        done = self.run(*arguments, seconds=seconds)
        assert done.returncode == 0, f"docker {' '.join(arguments)} failed:\n{done.stdout[-3000:]}"
        return done.stdout.strip()

    def answers(self) -> bool:
        """Whether it is there."""
        return shutil.which(self.command[0]) is not None and self.run("version").returncode == 0

    def build(self) -> None:
        """Build the image. Raises AssertionError with the end of what was said if that fails."""
        self.say("build", *self.network, "-t", "servicex_app", ".", seconds=SECONDS_TO_BUILD)


@contextmanager
def running_engine() -> Iterator[Engine]:
    """An engine that has the base image, or can fetch it. Raises NoEngine."""
    there = Engine(("docker",))
    if there.answers():
        yield there
        return
    if os.geteuid() != 0:
        raise NoEngine("no Docker engine runs, and only root can start one")
    programs = {"dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap"}
    install(sorted({package for program, package in programs.items() if not shutil.which(program)}))
    if not all(map(shutil.which, programs)):
        raise NoEngine("no Docker engine runs, and Debian's docker.io and debootstrap are not here")
    with _own_engine() as engine:
        _provide_base(engine)
        yield engine


@contextmanager
def _own_engine() -> Iterator[Engine]:
    """It keeps its images, so that the next one builds in seconds."""
    images = cache_folder() / "docker"
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="servicex-docker-") as name:
        folder = Path(name)
        engine = Engine(("docker", "-H", f"unix://{folder}/socket"), HOST_NETWORK, HOST_NETWORK,
                        "http://localhost:5000")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["dockerd", "--data-root", images, "--exec-root", folder / "exec", "--pidfile", folder / "pid",
                 "-H", f"unix://{folder}/socket", *OWN_ENGINE], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait_for(engine, process, folder / "log")
            yield engine
            # Each build leaves its stages behind, from which the next one goes on.
            engine.run("image", "prune", "--force", "--filter", "until=24h")
        finally:
            process.terminate()
            process.wait(SECONDS_TO_START)
            for left in (folder / "exec" / "netns").glob("*"):
                subprocess.run(["umount", left], timeout=SECONDS_TO_START)


def _wait_for(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not engine.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NoEngine(f"a Docker engine cannot be started here:\n{log.read_text(errors='replace')[-1000:]}")
        time.sleep(0.2)


def _provide_base(engine: Engine) -> None:
    """Where no registry can be reached, Debian stands in for the base image: it has the same Python."""
    if engine.run("image", "inspect", BASE).returncode == 0 or engine.run("pull", BASE, seconds=300).returncode == 0:
        return
    with tempfile.TemporaryDirectory(prefix="servicex-debian-") as name:
        root = Path(name) / "root"
        _check(["debootstrap", "--variant=minbase", "--include=python3,python3-venv,python3-pip,ca-certificates",
                "bookworm", str(root)])
        for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*"):
            for file in root.glob(pattern):
                file.unlink()
        # A site may have certificates of its own between here and the package index.
        certificates = "etc/ssl/certs/ca-certificates.crt"
        shutil.copy(f"/{certificates}", root / certificates)
        (root / "etc" / "pip.conf").write_text(f"[global]\ncert = /{certificates}\n")
        _check(["tar", "-C", str(root), "-cf", f"{name}/root.tar", "."])
        engine.say("import", f"{name}/root.tar", BASE, seconds=300)


def _check(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise NoEngine(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-1000:]}")
