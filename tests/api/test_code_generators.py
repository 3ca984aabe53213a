"""A server with code generators that are services, one of them in the place of a built-in one."""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.codegen.running_generator import real_generator
from tests.running_server import RunningServer, free_port, is_built
from tests.conftest import require

NOWHERE = f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def generator(code_generator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a generator on the real library."""
    with real_generator(code_generator_python, tmp_path_factory.mktemp("generator"),
                        TRANSFORMER_SCIENCE_IMAGE="sslhep/science:1") as url:
        yield url


@pytest.fixture(scope="module")
def urls(generator: str) -> dict[str, str]:
    """The generators of the server's settings."""
    return {"uproot": generator, "atlasr22": generator, "down": NOWHERE}


@pytest.fixture(scope="module")
def served(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """That server."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("served")
    settings = {"CODE_GEN_SERVICE_URLS": json.dumps(urls), "CODE_GEN_IMAGES": json.dumps({"uproot": "sslhep/gen:1"})}
    with RunningServer(folder / "data", [folder], environment=settings) as running:
        yield running


def submit(server: RunningServer, codegen: str, selection: str, result_format: str = "root-file") -> requests.Response:
    body: dict[str, Any] = {"file-list": [str(server.files / "x.root")], "selection": selection, "codegen": codegen,
                            "result-destination": "object-store", "result-format": result_format, "image": "ignored"}
    return requests.post(f"{server.address}/servicex/transformation", json=body, timeout=60)


def test_they_are_shown_beside_the_built_in_ones(served: RunningServer, urls: dict[str, str]) -> None:
    images = requests.get(f"{served.address}/servicex", timeout=60).json()["code-gen-image"]
    assert images.pop("python") == images.pop("uproot-raw") != "sslhep/gen:1"
    assert images == {"uproot": "sslhep/gen:1", "atlasr22": "unknown", "down": "unknown"}
    assert requests.get(f"{served.address}/multiple-codegen-list", timeout=60).json() == {
        **urls, "uproot-raw": "builtin", "python": "builtin"}


@pytest.mark.parametrize("codegen, selection, result_format, status, words", [
    ("uproot", "refuse Jets are unknown", "root-file", 400, "Jets are unknown"),
    ("atlasr22", "write a b", "parquet", 400, "can write: root-file"),
    ("atlasr22", "big 1100000", "root-file", 502, "at most 100 files"),
    ("down", "x", "root-file", 503, "does not answer just now"),
    ("uproot-raw", "write a b", "root-file", 400, "JSON"),
])
def test_what_is_refused(
        served: RunningServer, codegen: str, selection: str, result_format: str, status: int, words: str) -> None:
    answer = submit(served, codegen, selection, result_format)
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_a_program_of_theirs_is_taken(served: RunningServer) -> None:
    record = submit(served, "uproot", "write a b").json()
    assert (record["image"], record["code-gen-image"]) == ("sslhep/science:1", "sslhep/gen:1")
