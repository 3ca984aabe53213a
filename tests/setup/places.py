"""Where things that are fetched once are kept: outside the tree, so that all checkouts share them."""
import os
from pathlib import Path

AXE_VERSION = "4.10.3"


def cache_folder() -> Path:
    """The folder for everything the tests fetch; `XDG_CACHE_HOME` moves it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "servicex-tests"


def samples_folder() -> Path:
    """Where the physics files are; `SERVICEX_TEST_SAMPLES` moves it."""
    return Path(os.environ.get("SERVICEX_TEST_SAMPLES") or cache_folder() / "samples")


def client_venv() -> Path:
    """The virtual environment with PyPI's `servicex` client, whose package and command have the name of ours."""
    return cache_folder() / "client"


def finder_venv(version: str) -> Path:
    """The virtual environment with that version of the DID finders' library."""
    return cache_folder() / f"did-finder-{version}"


def code_generator_venv() -> Path:
    """The virtual environment with PyPI's `servicex-code-gen-lib`."""
    return cache_folder() / "code-generator"


def axe_file() -> Path:
    """The script of axe-core, which finds what keeps people out of a page."""
    return cache_folder() / "axe-core" / AXE_VERSION / "axe.min.js"


def kubernetes_folder() -> Path:
    """Where the real Kubernetes API server is built; `SERVICEX_TEST_KUBERNETES` moves it."""
    return Path(os.environ.get("SERVICEX_TEST_KUBERNETES") or cache_folder() / "kubernetes")
