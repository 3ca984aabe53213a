"""Every kind of query, dataset, result format and delivery: the columns that arrive are those in the file."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.contents import COLUMNS, EXPECTED, container, delivered_rows
from tests.e2e.real_client import Answer, Delivery, RealClient, Sample
from tests.running_server import RunningServer

Delivered = dict[str, dict[str, Answer]]

# The first test waits for all the deliveries.
pytestmark = pytest.mark.timeout(200)

QUERIES = ("funcadl", "raw", "python")
DATASETS = ("list", "urls", "file", "xrootd")
FORMATS = {"root-ttree": "TTree", "root-rntuple": "ROOT::RNTuple", "parquet": "parquet"}


@pytest.fixture(scope="module")
def wanted(nano_files: list[Path], nano_folder: Path, nano_url: str) -> list[Sample]:
    """Three queries over the same two files, which are named in several ways."""
    ways: dict[str, Sample] = {
        "list": {"files": [str(file) for file in nano_files]},
        "file": {"did": f"file://{nano_folder}/*.root"},
        "urls": {"files": [f"{nano_url}/{file.name}" for file in nano_files]},
        "xrootd": {"did": f"xrootd://{nano_url}/nano_*.root"},
    }
    return [{"name": f"{query}-{way}", "query": query, **dataset} for query in QUERIES for way, dataset in ways.items()]


@pytest.fixture(scope="module")
def delivered(client_bin: Path, server: RunningServer, wanted: list[Sample],
              tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    """Per format and delivery what came, from three clients at once. One makes new transforms for its URLs."""
    folder = tmp_path_factory.mktemp("clients")
    under_way: dict[str, Delivery] = {}
    try:
        for result_format in FORMATS:
            client = RealClient(client_bin, folder / result_format, server.address)
            under_way[result_format] = client.begin(wanted, format=result_format, deliveries=["LocalCache", "URLs"],
                                                    fresh=result_format == "root-ttree")
        yield {result_format: delivery.wait() for result_format, delivery in under_way.items()}
    finally:
        for delivery in under_way.values():
            delivery.kill()


@pytest.mark.parametrize("delivery", ["LocalCache", "URLs"])
@pytest.mark.parametrize("result_format", FORMATS)
@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("query", QUERIES)
def test_what_arrives_is_what_is_in_the_files(delivered: Delivered, nano_files: list[Path], tmp_path: Path, query: str,
                                              dataset: str, result_format: str, delivery: str) -> None:
    outcome = delivered[result_format][delivery][f"{query}-{dataset}"]
    assert "error" not in outcome, outcome["error"]
    rows = [delivered_rows(item, COLUMNS[query], tmp_path) for item in outcome["items"]]
    expected = [EXPECTED[query](file) for file in nano_files]
    assert all(expected), "a selection that selects nothing shows nothing"
    assert sorted(map(str, rows)) == sorted(map(str, expected))


@pytest.mark.parametrize("result_format", FORMATS)
@pytest.mark.parametrize("query", QUERIES)
def test_a_result_is_of_the_format_asked_for(delivered: Delivered, query: str, result_format: str) -> None:
    items = delivered[result_format]["LocalCache"][f"{query}-list"]["items"]
    assert {container(Path(item)) for item in items} == {FORMATS[result_format]}


def test_file_names_may_be_odd(client: RealClient, odd_files: list[Path], nano_files: list[Path],
                               tmp_path: Path) -> None:
    samples: list[Sample] = [
        {"name": "list", "query": "raw", "files": [str(file) for file in odd_files]},
        {"name": "did", "query": "raw", "did": f"file://{odd_files[0].parent}/**/*.root"},
    ]
    answer = client.deliver(samples)
    expected = EXPECTED["raw"](nano_files[0])
    for name in ("list", "did"):
        assert "error" not in answer[name], answer[name]["error"]
        rows = [delivered_rows(item, COLUMNS["raw"], tmp_path) for item in answer[name]["items"]]
        assert rows == [expected] * len(odd_files)
