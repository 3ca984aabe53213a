"""Small ROOT files and hand-written programs of the generators' shape."""
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import uproot

RUNNER = """
import uproot
import generated_transformer

LOADED = []

def transform_single_file(file_path, output_path, output_format):
    LOADED.append(file_path)
    with uproot.open({file_path: "events"}) as tree:
        events = tree.num_entries
        result = generated_transformer.run_query(tree)
    with uproot.recreate(output_path) as output:
        output.mktree("servicex", {"x": "float64"}).extend({"x": result})
    return {"total-events": events, "output-size": len(LOADED)}
"""

QUERY = "def run_query(tree):\n    return tree['x'].array(library='np') * 2\n"


def write_events(path: Path, events: int) -> Path:
    """A file with the TTree `events` and one branch x = 0, 1, 2, ..."""
    with uproot.recreate(path) as file:
        file.mktree("events", {"x": "float64"}).extend({"x": numpy.arange(events, dtype="float64")})
    return path


def program_files(query: str = QUERY, runner: str = RUNNER) -> dict[str, bytes]:
    """The files of a generated program."""
    return {"generated_transformer.py": query.encode(), "transform_single_file.py": runner.encode(),
            "transformer_capabilities.json": b"{}"}


@pytest.fixture
def events_file(tmp_path: Path) -> Callable[[str, int], str]:
    """Makes an input file; gives its path."""
    def make(name: str = "input.root", events: int = 10) -> str:
        return str(write_events(tmp_path / name, events))
    return make
