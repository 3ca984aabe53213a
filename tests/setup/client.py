"""The real client, in a virtual environment of its own."""
import subprocess
import sys
from pathlib import Path

from tests.setup.pip_install import pip_install
from tests.setup.places import client_venv

REQUIREMENTS = ["servicex>=3.3.1"]


def install_client() -> Path:
    """Make the environment unless it is there and works; gives its folder. Raises `InstallFailed`."""
    venv = client_venv()
    if not client_works(venv):
        venv.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        pip_install("the ServiceX client from PyPI", venv, REQUIREMENTS)
    return venv


def client_works(venv: Path) -> bool:
    """Whether the environment is there, whole and new enough: an installation cut short leaves one that is not."""
    check = ("import sys, servicex; from importlib.metadata import version;"
             " sys.exit(tuple(map(int, version('servicex').split('.')[:3])) < (3, 3, 1))")
    try:
        return subprocess.run([str(venv / "bin" / "python"), "-I", "-c", check], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
