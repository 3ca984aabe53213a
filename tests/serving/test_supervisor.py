"""Programs that are run together end together, in time, and in order if they can."""
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

SECONDS = 60.0
# Each says when it is there, and when it ends in good order.
STEADY = """
import pathlib, signal, sys, time
def end(*_):
    pathlib.Path({folder!r}, {name!r} + ".ended").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path({folder!r}, {name!r} + ".up").touch()
time.sleep(600)
"""
STUBBORN = STEADY.replace("sys.exit(0)", "pass")
DYING = """
import pathlib, sys, time
while not pathlib.Path({folder!r}, "go").exists():
    time.sleep(0.05)
sys.exit({status})
"""
SUPERVISE = """
import json, sys
from servicex.supervisor import supervise
sys.exit(supervise(json.loads(sys.argv[1]), float(sys.argv[2])))
"""


class Supervised:
    """A supervisor in a process of its own, with the programs a test wants."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._programs: dict[str, list[str]] = {}
        self.process: subprocess.Popen[bytes]

    def program(self, name: str, source: str, **values: object) -> None:
        text = source.format(folder=str(self.folder), name=name, **values)
        self._programs[name] = [sys.executable, "-c", text]

    def start(self, grace: float) -> None:
        """Start it; returns when the programs are up."""
        self.process = subprocess.Popen([sys.executable, "-c", SUPERVISE, json.dumps(self._programs), str(grace)])
        within(lambda: all((self.folder / f"{name}.up").exists() for name in self._programs if name != "dying"))

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()


def within(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def supervised(tmp_path: Path) -> Supervised:
    return Supervised(tmp_path)


@pytest.mark.parametrize("status, given", [(3, 3), (0, 1)])
def test_one_that_ends_ends_all(supervised: Supervised, status: int, given: int) -> None:
    supervised.program("steady", STEADY)
    supervised.program("dying", DYING, status=status)
    supervised.start(grace=30)
    (supervised.folder / "go").touch()
    assert supervised.process.wait(SECONDS) == given
    assert (supervised.folder / "steady.ended").exists()


def test_one_that_is_killed_ends_all(supervised: Supervised) -> None:
    supervised.program("one", STEADY)
    supervised.program("two", STEADY)
    supervised.start(grace=30)
    supervised.children()[0].kill()
    assert supervised.process.wait(SECONDS) == 1
    assert [path.name for path in supervised.folder.glob("*.ended")] == ["two.ended"]


def test_told_to_end_it_tells_all_and_waits(supervised: Supervised) -> None:
    supervised.program("one", STEADY)
    supervised.program("two", STEADY)
    supervised.start(grace=30)
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(SECONDS) == 0
    assert len(list(supervised.folder.glob("*.ended"))) == 2


def test_one_that_does_not_end_is_killed(supervised: Supervised) -> None:
    supervised.program("stubborn", STUBBORN)
    supervised.start(grace=1)
    (child,) = supervised.children()
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(SECONDS) == 0
    assert (supervised.folder / "stubborn.ended").exists()
    assert not child.is_running()


def test_nothing_outlives_it(supervised: Supervised) -> None:
    supervised.program("steady", STEADY)
    supervised.start(grace=30)
    (child,) = supervised.children()
    os.kill(supervised.process.pid, signal.SIGKILL)
    supervised.process.wait(SECONDS)
    within(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
