"""A warm parent whose children find this folder's `targets`."""
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servicex.processes import WarmParent
from servicex.processes.environment import scrubbed

HERE = Path(__file__).parent


def make_warm() -> WarmParent:
    return WarmParent(preload=["numpy"], environment=scrubbed(os.environ) | {"PYTHONPATH": str(HERE)})


@pytest.fixture
def warm() -> Iterator[WarmParent]:
    parent = make_warm()
    yield parent
    parent.close()


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition comes true within this time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
