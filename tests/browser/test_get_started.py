"""The page for newcomers: each of its programs is run as it stands there, by the real client."""
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import requests

from servicex.web.start import first_file
from tests.conftest import require
from tests.running_server import RunningServer, is_built

GENERATORS = ("uproot", "uproot-raw", "python")
PROGRAM = re.compile(r'<pre[^>]*data-generator="([^"]+)">(.*?)</pre>', re.DOTALL)
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[RunningServer]:
    """A server that may read one NanoAOD file."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("started")
    (folder / "files" / "below").mkdir(parents=True)
    shutil.copy(samples / "nano_dimuon.root", folder / "files" / "below")
    with RunningServer(folder / "data", [folder / "files"]) as running:
        yield running


@pytest.fixture(scope="module")
def programs(server: RunningServer) -> dict[str, str]:
    """The programs of the page, by the code generator each is for."""
    page = requests.get(f"{server.address}/get-started", timeout=30).text
    return {generator: unescape(program) for generator, program in PROGRAM.findall(page)}


def test_there_is_a_program_for_each_code_generator(programs: dict[str, str]) -> None:
    assert tuple(programs) == GENERATORS


@pytest.mark.parametrize("generator", GENERATORS)
def test_program_of_the_page_gets_columns_and_draws_them(generator: str, server: RunningServer, client_bin: Path,
                                                         programs: dict[str, str], tmp_path: Path) -> None:
    with requests.Session() as session:
        form = session.get(f"{server.address}/.servicex", timeout=30).text
        file = session.post(f"{server.address}/.servicex", timeout=30, data={
            "csrf_token": unescape(CSRF.findall(form)[0])})
    assert file.status_code == 200, file.text
    (tmp_path / "servicex.yaml").write_text(f"{file.text}cache_path: {tmp_path / 'cache'}\n")
    (tmp_path / "first_plot.py").write_text(programs[generator])
    environment = {"PATH": f"{client_bin}:/usr/bin:/bin", "HOME": str(tmp_path), "MPLBACKEND": "Agg"}
    done = subprocess.run([client_bin / "python", "first_plot.py"], cwd=tmp_path, env=environment, timeout=100,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    events, muons = map(int, re.findall(r"(\d+) events with (\d+) muons", done.stdout)[0])
    assert 0 < 2 * events <= muons
    assert (tmp_path / "muons.png").read_bytes().startswith(b"\x89PNG")


def test_search_for_a_file_ends(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"folder{number:03}").mkdir()
    assert first_file([tmp_path, tmp_path / "not there"]) is None
    for name in ("b.root", "a.root", "0.txt"):
        (tmp_path / name).touch()
    assert first_file([tmp_path]) == os.path.join(tmp_path, "a.root")
