"""What goes wrong is told to the person at the client, in words, and takes nothing else with it."""
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows
from tests.e2e.real_client import Answer, RealClient, Sample
from tests.running_server import RunningServer

RAISES = """
def run_query(input_filenames=None):
    raise RuntimeError("this selection is not worth its ink")
"""


@pytest.fixture(scope="module")
def answer(client_bin: Path, server: RunningServer, nano_files: list[Path], broken_files: dict[str, Path],
           tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answer]:
    """What the client makes of samples that fail in different ways and of one that does not, delivered together."""
    good, broken = str(nano_files[0]), [str(file) for file in broken_files.values()]
    samples: list[Sample] = [
        {"name": "good", "query": "raw", "files": [good]},
        {"name": "partial", "query": "raw", "files": [good, *broken]},
        {"name": "all_broken", "query": "raw", "files": broken},
        {"name": "no_such_tree", "query": "no_such_tree", "files": [good]},
        {"name": "no_such_branch", "query": "no_such_branch", "files": [good]},
        {"name": "untranslatable", "query": "no_such_function", "files": [good]},
        {"name": "raises", "query": RAISES, "files": [good]},
        {"name": "outside", "query": "raw", "files": ["/etc/passwd"]},
        {"name": "nothing_there", "query": "raw", "did": f"file://{server.files}/nothing_*.root"},
        {"name": "unknown_scheme", "query": "raw", "did": "carrier-pigeon://coop/one"},
    ]
    client = RealClient(client_bin, tmp_path_factory.mktemp("client"), server.address)
    yield client.deliver(samples)


@pytest.fixture(scope="module")
def transforms(server: RunningServer, answer: Answer) -> dict[str, dict[str, str]]:
    """The server's records of the samples, by title."""
    listed = requests.get(f"{server.address}/servicex/transformation", timeout=5).json()["requests"]
    return {transform["title"]: transform for transform in listed}


def test_a_good_sample_among_bad_ones_arrives(answer: Answer, nano_files: list[Path], tmp_path: Path) -> None:
    (item,) = answer["good"]["items"]
    assert delivered_rows(item, COLUMNS["raw"], tmp_path) == EXPECTED["raw"](nano_files[0])


def test_the_good_file_among_bad_ones_arrives(answer: Answer, nano_files: list[Path], tmp_path: Path) -> None:
    (item,) = answer["partial"]["items"]
    assert delivered_rows(item, COLUMNS["raw"], tmp_path) == EXPECTED["raw"](nano_files[0])


def test_a_partial_failure_is_complete_and_counted(transforms: dict[str, dict[str, str]],
                                                   broken_files: dict[str, Path]) -> None:
    partial = transforms["partial"]
    assert partial["status"] == "Complete"
    assert (partial["files"], partial["files-completed"], partial["files-failed"]) == (5, 1, len(broken_files))


def test_each_failed_file_has_its_reason(server: RunningServer, transforms: dict[str, dict[str, str]],
                                         broken_files: dict[str, Path]) -> None:
    address = f"{server.address}/servicex/transformation/{transforms['partial']['request_id']}/errors"
    told = requests.get(address, timeout=5).text
    for file in broken_files.values():
        assert file.name in told


@pytest.mark.parametrize("sample", ["all_broken", "no_such_tree", "no_such_branch", "raises"])
def test_a_transform_without_a_single_success_is_fatal(answer: Answer, transforms: dict[str, dict[str, str]],
                                                       sample: str) -> None:
    assert "Fatal issue in ServiceX server" in answer[sample]["error"]
    assert transforms[sample]["status"] == "Fatal"


@pytest.mark.parametrize("sample, words", [
    ("untranslatable", "no_such_function"),
    ("outside", "/etc/passwd"),
    ("unknown_scheme", "carrier-pigeon"),
])
def test_what_cannot_work_is_refused_at_submission(answer: Answer, transforms: dict[str, dict[str, str]], sample: str,
                                                   words: str) -> None:
    assert "Invalid transform request" in answer[sample]["error"]
    assert words in answer[sample]["error"]
    assert sample not in transforms


def test_a_dataset_that_is_not_there_is_bad(answer: Answer, transforms: dict[str, dict[str, str]]) -> None:
    assert "Dataset does not exist" in answer["nothing_there"]["error"]
    assert transforms["nothing_there"]["status"] == "Bad Dataset"
