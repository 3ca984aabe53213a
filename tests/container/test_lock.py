"""requirements.lock: what the image holds, to the last version."""
import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.container.dockerfile import ROOT

LINES = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
LOCKED = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in LINES)}
WANTED = [wanted for text in requires("servicex-app") or () if "extra ==" not in text for wanted in [Requirement(text)]]


def test_every_line_names_one_version() -> None:
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in LINES)
    assert len(LOCKED) == len(LINES)


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_it_has_what_setup_py_wants(wanted: Requirement) -> None:
    locked = LOCKED.get(canonicalize_name(wanted.name), "")
    assert locked and wanted.specifier.contains(locked, prereleases=True), f"{wanted} is not locked: run `make lock`"


def test_it_has_nothing_that_only_tests_want() -> None:
    assert not LOCKED.keys() & {"pytest", "mypy", "flake8", "nanio", "celery"}
