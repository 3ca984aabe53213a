"""Every kind of query, dataset, result format and delivery: the columns that arrive are those in the file."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.contents import COLUMNS, EXPECTED, container, delivered_rows, ordinal
from tests.e2e.real_client import Answer, Delivery, Outcome, RealClient, Sample
from tests.running_server import RunningServer

Delivered = dict[str, dict[str, Answer]]

# The first test waits for all the deliveries.
pytestmark = pytest.mark.timeout(200)

QUERIES = ("funcadl", "raw", "python")
DATASETS = ("list", "did")
REMOTE_DATASETS = ("remote-list", "remote-did")
FORMATS = {"root-ttree": "TTree", "root-rntuple": "ROOT::RNTuple", "parquet": "parquet"}
# One format is delivered from remote files too, and in one the URLs are of new transforms, not of those downloaded.
REMOTE_FORMAT = "parquet"
FRESH_FORMAT = "root-ttree"


@pytest.fixture(scope="module")
def sources(nano_files: list[Path]) -> dict[str, list[Path]]:
    """The files behind each way of naming a dataset. Lists name one alone, to save the time of the others."""
    return {"list": nano_files[:1], "did": nano_files, "remote-list": nano_files[1:], "remote-did": nano_files}


@pytest.fixture(scope="module")
def datasets(sources: dict[str, list[Path]], nano_folder: Path, nano_url: str) -> dict[str, Sample]:
    """The ways of naming a dataset, as the client says them."""
    return {
        "list": {"files": [str(file) for file in sources["list"]]},
        "did": {"did": f"file://{nano_folder}/*.root"},
        "remote-list": {"files": [f"{nano_url}/{file.name}" for file in sources["remote-list"]]},
        "remote-did": {"did": f"xrootd://{nano_url}/nano_*.root"},
    }


def wanted(datasets: dict[str, Sample], result_format: str) -> list[Sample]:
    """The samples of one delivery: every query over every dataset."""
    ways = DATASETS + REMOTE_DATASETS if result_format == REMOTE_FORMAT else DATASETS
    return [{"name": f"{query}-{way}", "query": query, **datasets[way]} for query in QUERIES for way in ways]


@pytest.fixture(scope="module")
def delivered(client_bin: Path, server: RunningServer, datasets: dict[str, Sample],
              tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    """Per format and delivery what came, from three clients at once."""
    folder = tmp_path_factory.mktemp("clients")
    under_way: dict[str, Delivery] = {}
    try:
        for result_format in FORMATS:
            client = RealClient(client_bin, folder / result_format, server.address)
            under_way[result_format] = client.begin(
                wanted(datasets, result_format), format=result_format, deliveries=["LocalCache", "URLs"],
                fresh=result_format == FRESH_FORMAT)
        yield {result_format: delivery.wait() for result_format, delivery in under_way.items()}
    finally:
        for delivery in under_way.values():
            delivery.kill()


@pytest.mark.parametrize("delivery", ["LocalCache", "URLs"])
@pytest.mark.parametrize("result_format", FORMATS)
@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("query", QUERIES)
def test_what_arrives_is_what_is_in_the_files(delivered: Delivered, sources: dict[str, list[Path]], tmp_path: Path,
                                              query: str, dataset: str, result_format: str, delivery: str) -> None:
    outcome = delivered[result_format][delivery][f"{query}-{dataset}"]
    check_contents(outcome, query, sources[dataset], tmp_path)


@pytest.mark.parametrize("delivery", ["LocalCache", "URLs"])
@pytest.mark.parametrize("dataset", REMOTE_DATASETS)
@pytest.mark.parametrize("query", QUERIES)
def test_what_arrives_is_what_is_in_remote_files(delivered: Delivered, sources: dict[str, list[Path]], tmp_path: Path,
                                                 query: str, dataset: str, delivery: str) -> None:
    outcome = delivered[REMOTE_FORMAT][delivery][f"{query}-{dataset}"]
    check_contents(outcome, query, sources[dataset], tmp_path)


def check_contents(outcome: Outcome, query: str, files: list[Path], scratch: Path) -> None:
    """Compare what was delivered with what the query selects from the files."""
    assert "error" not in outcome, outcome["error"]
    rows = [delivered_rows(item, COLUMNS[query], scratch) for item in outcome["items"]]
    expected = [EXPECTED[query](file) for file in files]
    assert all(expected), "a selection that selects nothing shows nothing"
    # The results come in any order, and which is of which file is not told.
    assert sorted(rows, key=ordinal) == sorted(expected, key=ordinal)


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
