"""The real client, in a virtual environment of its own."""
from pathlib import Path

from tests.setup.places import client_venv
from tests.setup.venvs import make_venv, passes

# With what the first programs of the page for newcomers read and draw with.
REQUIREMENTS = ["servicex>=3.3.1", "uproot>=5.6", "matplotlib"]


def install_client() -> Path:
    """Make the environment unless it is there and works; gives its folder. Raises `InstallFailed`."""
    venv = client_venv()
    if not client_works(venv):
        make_venv(venv, "the ServiceX client from PyPI", REQUIREMENTS)
    return venv


def client_works(venv: Path) -> bool:
    """Whether the environment is there, whole and new enough: an installation cut short leaves one that is not."""
    check = ("import sys, matplotlib, servicex, uproot; from importlib.metadata import version;"
             " sys.exit(tuple(map(int, version('servicex').split('.')[:3])) < (3, 3, 1))")
    return passes(venv, check)
