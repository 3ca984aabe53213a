"""The folder of the embedded server, where it is not ours to write to."""
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Root may write everywhere; so these tests become somebody else if they are run by root.
OURS = os.getuid() or 12345
LOCK = """
import os, sys
from pathlib import Path
from servicex.data_directory import locked
from servicex.errors import ServiceXError
if os.getuid() == 0:
    os.setuid({user})
try:
    with locked(Path(sys.argv[1])):
        pass
except ServiceXError as error:
    sys.exit(error.message)
"""


def refused(folder: Path) -> str:
    """What somebody is told who is not root and wants to keep the folder for himself; empty if he may."""
    done = subprocess.run([sys.executable, "-c", LOCK.format(user=OURS), str(folder)], stderr=subprocess.PIPE,
                          text=True, timeout=60)
    return done.stderr.strip()


@pytest.fixture
def ours() -> Iterator[Path]:
    """A folder of our own; pytest's are below one that only its owner may pass."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, OURS, -1)
        yield Path(folder)


def test_another_users_folder_is_refused_with_what_to_do() -> None:
    words = refused(Path("/servicex-of-nobody/data"))
    assert f"runs as user {OURS} and cannot write to /, which belongs to user 0" in words
    assert "docker run --user 0:0" in words and f"chown {OURS}" in words


def test_ones_own_folder_that_is_read_only_is_refused(ours: Path) -> None:
    ours.chmod(0o555)
    assert f"cannot write to {ours}" in (words := refused(ours)) and "is it read-only?" in words


def test_ones_own_folder_is_taken(ours: Path) -> None:
    assert refused(ours / "data") == ""
    assert (ours / "data").stat().st_mode & 0o777 == 0o700
