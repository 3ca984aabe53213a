"""Virtual environments for what cannot live beside the server, made once and kept in the cache."""
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.setup.pip_install import pip_install


def make_venv(venv: Path, what: str, requirements: Sequence[str]) -> None:
    """Make the environment anew with these in it; `what` is said of them meanwhile. Raises `InstallFailed`."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    pip_install(what, venv, requirements)


def passes(venv: Path, check: str) -> bool:
    """Whether the program `check` ends well there: an installation cut short leaves one that is not whole."""
    try:
        return subprocess.run([str(venv / "bin" / "python"), "-I", "-c", check], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
