"""axe-core (MPL-2.0), by npm: one script, which tests run in their browser and which is not shipped."""
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.setup.places import AXE_VERSION, axe_file


def fetch_axe() -> Path:
    """Fetch the script if it is not there; gives its path. Raises `CalledProcessError` when npm does not give it."""
    if axe_file().is_file():
        return axe_file()
    if shutil.which("npm") is None:
        print("Not here: npm. The tests that need axe-core are skipped.", flush=True)
        return axe_file()
    axe_file().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=axe_file().parent) as scratch:
        subprocess.run(["npm", "pack", "--silent", f"axe-core@{AXE_VERSION}"], cwd=scratch, check=True,
                       stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as tar:
            tar.extract("package/axe.min.js", scratch, filter="data")
        os.replace(Path(scratch) / "package" / "axe.min.js", axe_file())
    return axe_file()
