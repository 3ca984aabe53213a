"""Real physics files: CMS NanoAOD and ATLAS PHYSLITE, from the source distribution of coffea (BSD-3) on PyPI."""
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.setup.places import samples_folder

SOURCE = "coffea==2026.9.0"
NAMES = ("nano_dy.root", "nano_dimuon.root", "PHYSLITE_example.root")


def missing_samples() -> list[str]:
    """Names of the files that are not there yet."""
    return [name for name in NAMES if not (samples_folder() / name).is_file()]


def fetch_samples() -> Path:
    """Fetch what is missing; gives the folder. Raises `CalledProcessError` when PyPI does not give it."""
    folder = samples_folder()
    if missing_samples():
        print(f"Fetching physics files (30 MB, {SOURCE} from PyPI) into {folder}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            _extract(_download(Path(scratch)), folder)
    return folder


def _download(scratch: Path) -> Path:
    # pip prepares the metadata of an sdist even when it only fetches it, hence the minute of patience.
    name = SOURCE.partition("==")[0]
    subprocess.run([sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps",
                    "--no-binary", name, "--dest", str(scratch), SOURCE], check=True)
    return next(scratch.glob("*.tar.gz"))


def _extract(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            if name in NAMES and member.isfile() and "tests/samples/" in member.name:
                _save(tar, member, folder / name)


def _save(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one member under its final name only when it is whole: another run may be looking."""
    source = tar.extractfile(member)
    assert source is not None
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part:
        part.write(source.read())
    os.chmod(part.name, 0o644)
    os.replace(part.name, target)
