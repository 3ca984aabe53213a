"""The built-in generators behind the server's interface, in real child processes."""
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicex.backends.code_generator.builtin import BuiltinCodeGenerator
from servicex.codegen.generators import generate
from servicex.errors import GeneratorFailed, GeneratorTimedOut, InvalidSelection
from servicex.processes import WarmParent
from servicex.processes.environment import scrubbed
from tests.codegen.conftest import RECORDED, raw

HERE = Path(__file__).parent
# Each level writes what is below it three times.


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmParent]:
    parent = WarmParent(environment=scrubbed(os.environ) | {"PYTHONPATH": str(HERE)})
    yield parent
    parent.close()


@pytest.fixture
def generator(warm: WarmParent) -> BuiltinCodeGenerator:
    return BuiltinCodeGenerator(warm, "1.2.3")


def children(warm: WarmParent) -> list[str]:
    return Path(f"/proc/{warm.pid}/task/{warm.pid}/children").read_text().split()


def assert_no_child_is_left(warm: WarmParent) -> None:
    if sys.platform != "linux":
        return
    deadline = time.monotonic() + 5
    while children(warm) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children(warm) == []


@pytest.mark.parametrize("name, selection", [
    ("uproot", RECORDED["yaml"]["zip"]), ("uproot-raw", RECORDED["raw"]["trees"]),
    ("python", RECORDED["python"]["text"])])
def test_a_child_gives_what_the_function_gives(
        name: str, selection: str, generator: BuiltinCodeGenerator, warm: WarmParent) -> None:
    code, program = generator.generate(name, selection), generate(name, selection)
    capabilities = json.loads(code.files["transformer_capabilities.json"])
    assert (code.files, code.formats) == (program.files, program.formats)
    assert (code.language, code.command) == (capabilities["language"], capabilities["command"])
    assert (code.language, code.command) == ("python", "/generated/transform_single_file.py")
    assert_no_child_is_left(warm)


def test_what_is_served(generator: BuiltinCodeGenerator) -> None:
    assert generator.images() == dict.fromkeys(("uproot", "uproot-raw", "python"), "servicex-app 1.2.3")
    for name in generator.images():
        assert generator.formats(name) == {"root-file", "root-rntuple", "parquet"}


def test_a_bad_selection_comes_back_with_its_reason(generator: BuiltinCodeGenerator, warm: WarmParent) -> None:
    with pytest.raises(InvalidSelection, match="neither treename nor copy_histograms"):
        generator.generate("uproot-raw", raw({}))
    assert_no_child_is_left(warm)


def test_memory_is_limited(warm: WarmParent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicex.backends.code_generator.builtin.TARGET", "codegen_targets:hog")
    with pytest.raises(InvalidSelection, match="too complex"):
        BuiltinCodeGenerator(warm, "1", memory_limit=300 * 2**20).generate("uproot", "x")
    assert_no_child_is_left(warm)


def test_time_is_limited(warm: WarmParent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicex.backends.code_generator.builtin.TARGET", "codegen_targets:sleep")
    with pytest.raises(GeneratorTimedOut, match="within 0.3 s"):
        BuiltinCodeGenerator(warm, "1", time_limit=0.3).generate("uproot", "x")
    assert_no_child_is_left(warm)


def test_a_child_that_dies_is_the_generators_fault(
        generator: BuiltinCodeGenerator, warm: WarmParent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicex.backends.code_generator.builtin.TARGET", "codegen_targets:die")
    with pytest.raises(GeneratorFailed, match="code 3"):
        generator.generate("uproot", "x")
    assert_no_child_is_left(warm)


def test_the_server_imports_none_of_the_libraries() -> None:
    check = ("import sys, servicex.backends.code_generator.builtin; "
             "sys.exit(any(name in sys.modules for name in ('uproot', 'awkward', 'numpy', 'qastle', 'lark')))")
    assert subprocess.run([sys.executable, "-c", check], timeout=60).returncode == 0
