"""Programs from Debian's packages that some tests talk to."""
import os
import shutil
import subprocess
from collections.abc import Sequence

from tests.private_postgres import programs as postgres_programs
from tests.private_rabbitmq import PROGRAM as RABBITMQ

# The command that shows a package to be there, and the package. Without one the tests that need it are skipped.
PROGRAMS = {"xrootd": "xrootd-server", "chromium": "chromium", str(RABBITMQ): "rabbitmq-server",
            "docker-registry": "docker-registry"}


def missing_packages() -> list[str]:
    """The Debian packages whose commands are not on the path, and PostgreSQL, whose are never there."""
    missing = [package for command, package in PROGRAMS.items() if shutil.which(command) is None]
    return missing if postgres_programs() else [*missing, "postgresql"]


def install_programs() -> None:
    """Install what is missing if this is Debian and we are root; say what to do otherwise. Never fails: tests tell."""
    install(missing_packages())


def install(packages: Sequence[str]) -> None:
    """Install these packages, or say why not. Never fails."""
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"Not here: {', '.join(packages)}. The tests that need them are skipped; on Debian, as root:"
              f" apt-get install {' '.join(packages)}", flush=True)
        return
    print(f"Installing Debian packages: {', '.join(packages)} (a minute or two)", flush=True)
    _apt_get("update")
    _apt_get("install", "-y", "--no-install-recommends", *packages)


def _apt_get(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", "-q", *arguments], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"apt-get {arguments[0]} failed; its last words:\n{done.stdout[-1000:]}", flush=True)
