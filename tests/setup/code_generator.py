"""The library that real code generators are built on, in a virtual environment of its own: it wants an old Flask."""
from pathlib import Path

from tests.setup.places import code_generator_venv
from tests.setup.venvs import make_venv, passes

REQUIREMENTS = ["servicex-code-gen-lib==1.3"]


def install_code_generator() -> Path:
    """Make the environment unless it is there and works; gives its folder. Raises `InstallFailed`."""
    venv = code_generator_venv()
    if not code_generator_works(venv):
        make_venv(venv, "the library of code generators from PyPI", REQUIREMENTS)
    return venv


def code_generator_works(venv: Path) -> bool:
    """Whether the environment is there and whole."""
    return passes(venv, "import servicex_codegen")
