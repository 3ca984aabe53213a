"""The set-up says what is wrong in a sentence, and a skip passes for nothing where CI=true."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).parent
ROOT = SETUP.parents[1]


def make_venv(folder: Path, python: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(SETUP / "venv.sh"), str(folder), str(python)], capture_output=True, text=True)


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    """What a Python 3.9 would do with the two questions it is asked."""
    python = tmp_path / "python3.9"
    python.write_text('#!/bin/sh\ncase "$2" in *exit*) exit 1 ;; *) echo "Python 3.9.2" ;; esac\n')
    python.chmod(0o755)
    return python


def test_an_unfit_python_gets_one_clear_sentence(tmp_path: Path, old_python: Path) -> None:
    done = make_venv(tmp_path / "venv", old_python)
    assert done.returncode == 1
    assert "ServiceX needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "venv").exists()


def test_a_virtual_environment_is_made_once(tmp_path: Path) -> None:
    first = make_venv(tmp_path / "venv", Path(sys.executable))
    assert (first.returncode, first.stderr) == (0, "")
    kept = tmp_path / "venv" / "kept"
    kept.touch()
    assert make_venv(tmp_path / "venv", Path(sys.executable)).stdout == ""
    assert kept.exists()


def test_a_failed_installation_shows_what_pip_said(tmp_path: Path) -> None:
    command = [sys.executable, str(SETUP / "pip_install.py"), "nothing", sys.prefix, str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Installing nothing failed" in done.stderr
    assert "absent" in done.stderr


@pytest.mark.parametrize("ci, outcome", [("true", "1 failed"), ("", "1 skipped")])
def test_a_skip_is_a_failure_where_ci_is_true(tmp_path: Path, ci: str, outcome: str) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    (tmp_path / "test_skipped.py").write_text(
        "from tests.conftest import require\ndef test_it(): require(False, 'no such service')\n")
    command = [sys.executable, "-m", "pytest", "-rs", "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert outcome in done.stdout
    assert "no such service" in done.stdout
