"""Selections as the real client sends them, small input files, and a way to run generated programs."""
import base64
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from servicex.codegen.generators import generate

FORMATS = ("root-file", "root-rntuple", "parquet")
RECORDED = json.loads(Path(__file__).with_name("selections.json").read_text())


class Programs:
    """Generates programs and runs them in this very process."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.output = folder / "output"

    def write(self, files: dict[str, bytes]) -> Path:
        """The folder with the files of a program in it."""
        for name, content in files.items():
            (self._folder / name).write_bytes(content)
        return self._folder

    def run(self, name: str, selection: str, input_file: Path, output_format: str = "parquet") -> dict[str, int]:
        """What the program for the selection says of one file; its result is in `output`."""
        self.write(generate(name, selection).files)
        return self.run_written(input_file, output_format)

    def run_source(self, source: str, input_file: Path, output_format: str = "parquet") -> dict[str, int]:
        """The same for a Python function."""
        return self.run("python", encoded(source), input_file, output_format)

    def run_written(self, input_file: Path, output_format: str) -> dict[str, int]:
        for module in ("generated_transformer", "transform_single_file"):
            sys.modules.pop(module, None)
        importlib.invalidate_caches()
        program: Any = importlib.import_module("transform_single_file")
        stats: dict[str, int] = program.transform_single_file(str(input_file), str(self.output), output_format)
        return stats

    def result(self, output_format: str = "parquet", tree: str = "servicex") -> ak.Array:
        """The result read back; without the counters that uproot adds to a TTree."""
        if output_format == "parquet":
            return ak.from_parquet(self.output)
        with uproot.open({self.output: tree}) as read:
            return read.arrays()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Programs(tmp_path)
    for module in ("generated_transformer", "transform_single_file"):
        sys.modules.pop(module, None)


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the TTrees `mini` (5 entries), `other` (3) and `none` (0), and the histograms `h1` and `dir/h2`."""
    path = tmp_path_factory.mktemp("input") / "mini, 1:a %20.root"
    with open(path, "w+b") as file, uproot.recreate(file) as root:
        x = ak.Array([[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0], [7.0]])
        root.mktree("mini", {"x": x.type.content, "n": "int32"}).extend({"x": x, "n": np.arange(5, dtype="int32")})
        root.mktree("other", {"n": "int32"}).extend({"n": np.array([7, 8, 9], dtype="int32")})
        root.mktree("none", {"n": "int32"})
        root["h1"] = np.histogram(np.arange(10.0), bins=5)
        root["dir/h2"] = np.histogram(np.arange(4.0), bins=2)
    return path


@pytest.fixture(scope="session")
def events(samples: Path) -> ak.Array:
    with uproot.open({samples / "nano_dy.root": "Events"}) as tree:
        return tree.arrays(["Jet_pt", "Jet_eta", "MET_pt", "nMuon", "nJet"])


@pytest.fixture(scope="session")
def slim(samples: Path, tmp_path_factory: pytest.TempPathFactory, events: ak.Array) -> Path:
    """The same columns in a file of their own, since every opening of the 1,500 branches takes half a second."""
    path = tmp_path_factory.mktemp("slim") / "slim.root"
    with uproot.recreate(path) as file:
        tree = file.mktree("Events", {name: events[name].type.content for name in events.fields})
        tree.extend({name: events[name] for name in events.fields})
    return path


def encoded(source: str) -> str:
    """A Python source as the client sends it."""
    return base64.b64encode(source.encode()).decode()


def raw(*queries: dict[str, Any]) -> str:
    """Queries of uproot-raw as the client sends them."""
    return json.dumps(queries)


def same(one: ak.Array, other: ak.Array) -> bool:
    """Whether two arrays have the same values, whatever the integer or float types."""
    return bool(ak.almost_equal(one, other, dtype_exact=False, check_parameters=False))
