"""The real library of DID finders, each version in a virtual environment of its own."""
import subprocess
import sys

from tests.setup.pip_install import pip_install
from tests.setup.places import finder_venv

LIBRARY = "servicex-did-finder-lib"
# The last one that says nothing of failures, and the newest.
VERSIONS = ("3.0.1", "3.2.0")


def install_finder_libraries() -> None:
    """Make the environments unless they are there and work. Raises `InstallFailed`."""
    for version in VERSIONS:
        venv = finder_venv(version)
        if not finder_library_works(version):
            venv.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
            pip_install(f"{LIBRARY} {version} from PyPI", venv, [f"{LIBRARY}=={version}"])


def finder_library_works(version: str) -> bool:
    """Whether the environment of a version is there and whole: an installation cut short leaves one that is not."""
    check = ("import sys, celery, servicex_did_finder_lib; from importlib.metadata import version;"
             f" sys.exit(version('{LIBRARY}') != '{version}')")
    try:
        return subprocess.run([str(finder_venv(version) / "bin" / "python"), "-I", "-c", check],
                              capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
