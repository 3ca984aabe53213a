"""The script that builds the real API server, as far as it goes without building."""
import os
import subprocess
import sys
from pathlib import Path

from tests.kubernetes.real.build import KEYRING
from tests.kubernetes.real.programs import NAMES


def build(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run it for that folder with that path for commands."""
    environment = {**os.environ, "SERVICEX_TEST_KUBERNETES": str(folder), "PATH": path}
    return subprocess.run([sys.executable, "-m", "tests.kubernetes.real.build"], env=environment, text=True,
                          capture_output=True, timeout=60)


def test_what_was_built_is_not_built_again(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in NAMES:
        (tmp_path / "bin" / name).touch()

    done = build(tmp_path, "")

    assert done.returncode == 0 and str(tmp_path / "bin") in done.stdout


def test_says_what_is_missing(tmp_path: Path) -> None:
    done = build(tmp_path / "kubernetes", str(tmp_path))

    assert done.returncode == 1 and "not here: apt-get, dpkg-deb" in done.stderr
    assert not (tmp_path / "kubernetes").exists()


def test_says_which_step_failed(tmp_path: Path) -> None:
    """Commands that all fail stand in for those of Debian."""
    for name in ("apt-get", "dpkg-deb", "dpkg-source", "make", "openssl", "bash", "nice", "setpriv"):
        (tmp_path / name).write_text("#!/bin/sh\necho no network\nexit 100\n")
        (tmp_path / name).chmod(0o755)

    done = build(tmp_path / "kubernetes", str(tmp_path))

    expected = "update failed; its last words:\nno network" if Path(KEYRING).exists() else f"not here: {KEYRING}"
    assert done.returncode == 1 and expected in done.stderr
