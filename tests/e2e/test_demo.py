"""The two-minute promise of the README: `make demo` on a checkout."""
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_make_demo_draws_the_spectrum() -> None:
    picture = ROOT / "demo" / "out" / "dimuon.png"
    picture.unlink(missing_ok=True)
    done = subprocess.run(["make", "demo"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "J/psi" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
