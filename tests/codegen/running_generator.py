"""A code generator on the real library, in a process of its own."""
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(__file__).with_name("real_generator.py")
SECONDS_TO_START = 60.0


@contextmanager
def real_generator(python: Path, folder: Path, **environment: str) -> Iterator[str]:
    """The URL of a running generator on the real library."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([python, PROGRAM, folder], stdout=log, stderr=log,
                                   env={"PATH": os.environ["PATH"], **environment})
    deadline = time.monotonic() + SECONDS_TO_START
    try:
        while not (folder / "port").exists():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{(folder / 'port').read_text()}"
    finally:
        process.kill()
        process.wait()
