"""The client's own command, `servicex`."""
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows
from tests.e2e.real_client import RealClient
from tests.running_server import RunningServer

# As a physicist writes it, with the LINQ dialect that only such files use. The query is folded into one line (`>`): of
# several, client 3.3.1 takes the first and drops the others without a word.
SPEC = """\
General:
  OutputFormat: parquet
  Delivery: LocalCache
  OutputDirectory: out
Sample:
  - Name: linq
    Dataset: !FileList [{file}]
    Query: !FuncADL_Uproot >
      FromTree('Events').Where(lambda e: e.nMuon >= 2)
      .Select(lambda e: {{'n': e.nMuon, 'pt': e.Muon_pt, 'hard': e.Muon_pt.Where(lambda pt: pt > 20)}})
  - Name: raw
    Dataset: !FileList [{file}]
    Query: !UprootRaw |
      [{{"treename": "Events", "cut": "nMuon >= 2", "filter_name": ["nMuon", "Muon_pt", "Muon_eta"]}}]
  - Name: function
    Dataset: !FileList [{file}]
    Query: !PythonFunction |
      def run_query(input_filenames=None):
          import uproot
          with uproot.open({{input_filenames: "Events"}}) as events:
              return events.arrays(["nJet", "Jet_pt"])
"""
TITLES = {"linq": "funcadl", "raw": "raw", "function": "python"}


@pytest.fixture(scope="module")
def client(client_bin: Path, server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> RealClient:
    """One client for all tests of this file."""
    return RealClient(client_bin, tmp_path_factory.mktemp("client"), server.address)


@pytest.fixture(scope="module")
def requests_of_spec(client: RealClient, nano_files: list[Path]) -> Iterator[dict[str, str]]:
    """The transforms of a delivered spec file: request id by title."""
    (client.folder / "spec.yaml").write_text(SPEC.format(file=nano_files[0]))
    done = client.command("deliver", "spec.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Total files delivered: 3" in done.stdout
    listed = client.command("transforms", "list", "--complete")
    rows = [line.split() for line in listed.stdout.splitlines()]
    yield {row[1]: row[0] for row in rows if len(row) > 2 and row[1] in TITLES}


def test_the_transforms_of_a_spec_file_are_listed(requests_of_spec: dict[str, str]) -> None:
    assert set(requests_of_spec) == set(TITLES)


@pytest.mark.parametrize("title", TITLES)
def test_the_files_of_a_transform_are_listed(client: RealClient, requests_of_spec: dict[str, str], title: str) -> None:
    listed = client.command("transforms", "files", requests_of_spec[title])
    assert listed.returncode == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == 1
    assert "nano_dimuon" in listed.stdout


@pytest.mark.parametrize("title, query", TITLES.items())
def test_a_transform_is_downloaded(client: RealClient, requests_of_spec: dict[str, str], nano_files: list[Path],
                                   tmp_path: Path, title: str, query: str) -> None:
    # Into the current folder: in client 3.3.1 `-d` names the target and the cache at once.
    done = client.command("transforms", "download", requests_of_spec[title], within=title)
    assert done.returncode == 0, done.stderr
    (file,) = (client.folder / title).iterdir()
    assert delivered_rows(str(file), COLUMNS[query], tmp_path) == EXPECTED[query](nano_files[0])


def test_datasets_are_listed(client: RealClient, requests_of_spec: dict[str, str]) -> None:
    listed = client.command("datasets", "list")
    assert listed.returncode == 0, listed.stderr
    assert "File list" in listed.stdout


def test_code_generators_are_listed(client: RealClient) -> None:
    listed = client.command("codegen", "list")
    assert listed.returncode == 0, listed.stderr
    for name in ("uproot", "uproot-raw", "python"):
        assert f'"{name}"' in listed.stdout
