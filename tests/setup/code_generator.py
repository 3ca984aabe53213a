"""The library that real code generators are built on, in a virtual environment of its own: it wants an old Flask."""
import subprocess
import sys
from pathlib import Path

from tests.setup.pip_install import pip_install
from tests.setup.places import code_generator_venv

REQUIREMENTS = ["servicex-code-gen-lib==1.3"]


def install_code_generator() -> Path:
    """Make the environment unless it is there and works; gives its folder. Raises `InstallFailed`."""
    venv = code_generator_venv()
    if not code_generator_works(venv):
        venv.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        pip_install("the library of code generators from PyPI", venv, REQUIREMENTS)
    return venv


def code_generator_works(venv: Path) -> bool:
    """Whether the environment is there and whole."""
    try:
        return subprocess.run([str(venv / "bin" / "python"), "-I", "-c", "import servicex_codegen"],
                              capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
