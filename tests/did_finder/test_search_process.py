"""The search process by itself: what it inherits, and that it does not outlive the server."""
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

import servicex
from servicex.backends.did_finder.search import Search
from servicex.backends.did_finder.search_process import SearchProcess


def test_it_inherits_nothing_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SERVICEX_SECRET", "swordfish")
    monkeypatch.setenv("XRD_LOGLEVEL", "Error")
    (tmp_path / "says.py").write_text(
        "import json, os, sys\nprint(json.dumps(['env', dict(os.environ)]))\n")
    monkeypatch.setattr("servicex.backends.did_finder.search_process._COMMAND",
                        (sys.executable, str(tmp_path / "says.py")))
    process = SearchProcess(Search("file", "/"))
    said = [message for batch in process.messages(1, time.monotonic() + 10) for message in batch]
    process.close()
    environment = said[0][1]
    assert "swordfish" not in environment.values()
    assert environment["XRD_LOGLEVEL"] == "Error"
    assert environment["XRD_CONNECTIONWINDOW"] == "10"


def test_it_ends_when_the_server_is_gone(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"{number}-{'x' * 200}.root").touch()
    environment = {**os.environ, "PYTHONPATH": str(Path(servicex.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-P", "-m", "servicex.backends.did_finder.search_program"],
                               env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asdict(Search("file", f"{tmp_path}/*", allowed=(str(tmp_path),)))).encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'["file"')
    assert process.poll() is None, "it waits, since nobody reads on"
    process.stdin.close()
    assert process.wait(5) == 1
    process.stdout.close()


def test_it_is_small_and_loads_no_web_server(tmp_path: Path) -> None:
    program = "import sys, servicex.backends.did_finder.search_program; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"flask", "sqlalchemy", "uproot", "numpy", "XRootD"} & set(loaded)
