"""The image, built once, and folders as somebody has them who cloned the repository."""
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.engine import Engine, NoEngine, running_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """An engine that has built the image."""
    try:
        with running_engine() as running:
            running.build()
            yield running
    except NoEngine as error:
        pytest.skip(str(error))


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    """The folder to mount, of the user number 1000 if we may give it away."""
    folder = tmp_path / "sqlite"
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 1000, 1000)
    return folder


@pytest.fixture
def data(tmp_path: Path, samples: Path) -> Path:
    """A folder with a physics file that everybody may read."""
    folder = tmp_path / "files"
    folder.mkdir(mode=0o755)
    shutil.copy(samples / "nano_dimuon.root", folder)
    (folder / "nano_dimuon.root").chmod(0o644)
    return folder
