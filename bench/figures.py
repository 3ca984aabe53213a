"""Figures of the embedded server against a bare process pool that runs the same generated program on the same files.

    make bench          or          .venv/bin/python bench/figures.py --folder /tmp/bench --rounds 3

Prints one table, and writes it as JSON with --out. Every ratio comes from runs that alternate in this one call. All
load stays on the loopback address, and every loop is bounded.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import requests
import uproot

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.running_server import RunningServer  # noqa: E402  # the tests' own way of running the real server


def selection(columns: int) -> str:
    """The first columns of the events that pass a cut."""
    names = [f"x{number}" for number in range(columns)]
    return ("(call Select (call Where (call EventDataset 'bogus.root' 'mini') "
            "(lambda (list e) (> (subscript e 'x0') 0.5))) "
            f"(lambda (list e) (dict (list {' '.join(map(repr, names))}) "
            f"(list {' '.join(f'(subscript e {name!r})' for name in names)}))))")


# Of a large file everything, so that its 25 MB are really read; of a tiny one little, so that the server's part weighs.
LARGE, TINY = selection(10), selection(2)
END = 600.0
# The server answers a poll in a few milliseconds of the two cores that the workers want: a client's poll is 5 s.
POLL = 0.5


def make_files(folder: Path, count: int, megabytes: float) -> list[str]:
    """`count` files of about that size, ten columns of random numbers each, made once."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = max(10, int(megabytes * 2 ** 20 / 10 / 8))
    random = np.random.default_rng(1)
    for number in range(count):
        path = folder / f"f_{number:05}.root"
        if path.exists():
            continue
        part = path.with_suffix(".part")
        with uproot.recreate(part) as file:
            file.mktree("mini", {f"x{c}": "float64" for c in range(10)})
            file["mini"].extend({f"x{c}": random.random(rows) for c in range(10)})
        part.rename(path)
    return [str(path) for path in sorted(folder.glob("*.root"))[:count]]


def submit(server: RunningServer, query: str, files: list[str]) -> str:
    """The URL of a new transform."""
    url = f"{server.address}/servicex/transformation"
    answer = requests.post(url, timeout=60, json={
        "file-list": files, "selection": query, "codegen": "uproot", "result-format": "root-file",
        "result-destination": "object-store"})
    answer.raise_for_status()
    return f"{url}/{answer.json()['request_id']}"


def through_the_server(server: RunningServer, query: str, files: list[str]) -> float:
    """Seconds from before the submission to the finish time, both on this machine's clock."""
    begun = datetime.now(UTC)
    one = submit(server, query, files)
    while (datetime.now(UTC) - begun).total_seconds() < END:
        status = requests.get(f"{one}/status", timeout=10).json()
        if status["status"] == "Complete":
            assert status["files-completed"] == len(files)
            return (datetime.fromisoformat(status["finish-time"]) - begun).total_seconds()
        assert status["status"] == "Running", status
        time.sleep(POLL)
    raise SystemExit(f"the server did not end within {END:.0f} s")


def first_result(server: RunningServer, file: str) -> float:
    """Seconds from before the submission until a result is visible to who asks all the time."""
    begun = time.monotonic()
    one = submit(server, TINY, [file])
    while time.monotonic() < begun + END:
        if requests.get(f"{one}/results?limit=1", timeout=10).json()["results"]:
            return time.monotonic() - begun
        time.sleep(0.005)
    raise SystemExit("no result came")


def write_program(folder: Path, query: str) -> Path:
    """The generated program, as the server makes it."""
    from servicex.codegen.generators import generate
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in generate("uproot", query).files.items():
        (folder / name).write_bytes(content)
    return folder


def _load(folder: str) -> None:
    global transform
    sys.path.insert(0, folder)
    from transform_single_file import transform_single_file as transform  # type: ignore[import-not-found]


def _one(paths: tuple[str, str]) -> None:
    transform(*paths, "root-file")  # type: ignore[name-defined]  # noqa: F821  # set by `_load`


def through_a_bare_pool(program: Path, out: Path, files: list[str], workers: int) -> float:
    """Seconds for the same in a pool of processes that are warm: imports are paid before the clock starts."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    work = [(file, str(out / Path(file).name)) for file in files]
    with get_context("fork").Pool(workers, _load, (str(program),)) as pool:
        pool.map(_one, work[:workers], chunksize=1)
        begun = time.monotonic()
        for _ in pool.imap_unordered(_one, work, chunksize=1):
            pass
        return time.monotonic() - begun


def resident(pid: int) -> dict[str, float]:
    """MB of each process of the tree of `pid` that is resident, and PSS, in which what is shared counts once."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(tuple(map(int, line.split())) for line in listed.splitlines())
    mine, seen = {pid}, 0
    while len(mine) != seen:
        seen = len(mine)
        mine |= {child for child, parent in parents.items() if parent in mine}
    return {"server_mb": _memory(pid, "Rss"), "all_processes_pss_mb": sum(_memory(one, "Pss") for one in mine)}


def _memory(pid: int, kind: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(kind + ":"):
            return int(line.split()[1]) / 1024
    raise ValueError(kind)


def compare(rounds: int, server: Callable[[], float], bare: Callable[[], float]) -> dict[str, Any]:
    """Medians of both and of the ratio, round by round; they alternate so that the machine's moods hit both."""
    pairs = [(settled(server), settled(bare)) for _ in range(rounds)]
    return {"server_s": [round(a, 3) for a, _ in pairs], "bare_s": [round(b, 3) for _, b in pairs],
            "ratio": round(statistics.median(a / b for a, b in pairs), 3)}


def settled(run: Callable[[], float]) -> float:
    """A run that begins with all earlier writes on the disk: the server waits for its own, the bare pool does not."""
    os.sync()
    return run()


def measure(folder: Path, rounds: int, workers: int) -> dict[str, Any]:
    """All the figures."""
    large, tiny = make_files(folder / "large", 40, 25), make_files(folder / "tiny", 2000, 0.001)
    data = folder / f"data-{time.time_ns()}"
    with RunningServer(data, [folder], workers=workers) as server:
        time.sleep(5)
        figures: dict[str, Any] = {"workers": workers, "idle": resident(server.pid)}
        through_the_server(server, TINY, tiny[:2])
        firsts = [first_result(server, tiny[n]) for n in range(10)]
        figures["first_result_s"] = {"median": round(statistics.median(firsts), 3), "worst": round(max(firsts), 3)}
        for name, query, files in (("large", LARGE, large), ("tiny", TINY, tiny)):
            program = write_program(folder / f"program-{name}", query)
            figures[name] = {"files": len(files), **compare(
                rounds, partial(through_the_server, server, query, files),
                partial(through_a_bare_pool, program, folder / "out", files, workers))}
        figures["tiny"]["share_of_bare_rate"] = round(1 / figures["tiny"]["ratio"], 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("/tmp/servicex-bench"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    figures = measure(options.folder, options.rounds, options.workers)
    print(json.dumps(figures, indent=1))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
