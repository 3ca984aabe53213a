"""The real library of DID finders, each version in a virtual environment of its own."""
from tests.setup.places import finder_venv
from tests.setup.venvs import make_venv, passes

LIBRARY = "servicex-did-finder-lib"
# The last one that says nothing of failures, and the newest.
VERSIONS = ("3.0.1", "3.2.0")


def install_finder_libraries() -> None:
    """Make the environments unless they are there and work. Raises `InstallFailed`."""
    for version in VERSIONS:
        if not finder_library_works(version):
            make_venv(finder_venv(version), f"{LIBRARY} {version} from PyPI", [f"{LIBRARY}=={version}"])


def finder_library_works(version: str) -> bool:
    """Whether the environment of a version is there and whole: an installation cut short leaves one that is not."""
    check = ("import sys, celery, servicex_did_finder_lib; from importlib.metadata import version;"
             f" sys.exit(version('{LIBRARY}') != '{version}')")
    return passes(finder_venv(version), check)
