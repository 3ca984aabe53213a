"""Results on a shared volume."""
import os
import stat
from pathlib import Path, PurePosixPath

import pytest

from servicex.backends.results_volume import ResultsVolume, folder_in_pods
from servicex.errors import Unavailable

ONE = "1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
OTHER = "9b4e28ba-2fa1-4d2b-883f-0016d3cca428"
OTHER_FILE_SYSTEM = Path("/dev/shm")


@pytest.fixture
def volume(tmp_path: Path) -> ResultsVolume:
    volume = ResultsVolume(tmp_path / "volume" / "output")
    volume.create(ONE)
    return volume


def made(folder: Path, content: bytes = b"some bytes") -> Path:
    source = folder / "made"
    source.write_bytes(content)
    source.chmod(0o600)
    return source


def test_each_transform_has_its_own_folder(volume: ResultsVolume, tmp_path: Path) -> None:
    volume.create(ONE)
    volume.create(OTHER)
    assert volume.put(ONE, "a.root", made(tmp_path)) == 10
    assert volume.put(OTHER, "a.root", made(tmp_path, b"other")) == 5
    volume.settle(ONE)
    assert (tmp_path / "volume" / "output" / ONE / "a.root").read_bytes() == b"some bytes"
    assert os.listdir(volume.folder(OTHER)) == ["a.root"]
    assert not (tmp_path / "made").exists()


def test_anybody_may_read_the_files(volume: ResultsVolume, tmp_path: Path) -> None:
    volume.put(ONE, "a.root", made(tmp_path))
    assert stat.S_IMODE((volume.folder(ONE) / "a.root").stat().st_mode) == 0o644


def test_files_come_from_another_file_system(volume: ResultsVolume, tmp_path: Path) -> None:
    if not OTHER_FILE_SYSTEM.is_dir() or OTHER_FILE_SYSTEM.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system here")
    source = OTHER_FILE_SYSTEM / f"servicex-test-{os.getpid()}"
    source.write_bytes(b"from far")
    assert volume.put(ONE, "a.root", source) == 8
    assert not source.exists()
    assert (volume.folder(ONE) / "a.root").read_bytes() == b"from far"


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "x" * 256])
def test_bad_names_are_refused(volume: ResultsVolume, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError):
        volume.put(ONE, name, made(tmp_path))
    assert os.listdir(volume.folder(ONE)) == []


def test_links_are_refused(volume: ResultsVolume, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(made(tmp_path))
    with pytest.raises(OSError):
        volume.put(ONE, "a.root", tmp_path / "link")
    assert os.listdir(volume.folder(ONE)) == []


@pytest.mark.parametrize("request_id", ["..", "", "results", ONE.upper()])
def test_only_request_ids_name_folders(volume: ResultsVolume, request_id: str) -> None:
    for method in (volume.create, volume.delete, volume.folder):
        with pytest.raises(ValueError):
            method(request_id)


def test_deleting_takes_one_transform_only(volume: ResultsVolume, tmp_path: Path) -> None:
    volume.put(ONE, "a.root", made(tmp_path))
    volume.create(OTHER)
    for _ in range(2):
        volume.delete(ONE)
        assert not volume.folder(ONE).exists()
    assert volume.folder(OTHER).is_dir()
    with pytest.raises(OSError):
        volume.put(ONE, "a.root", made(tmp_path))


def test_a_volume_that_is_no_folder_is_away(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        ResultsVolume(made(tmp_path)).create(ONE)


def test_the_folder_in_pods() -> None:
    assert folder_in_pods("output/", ONE) == PurePosixPath(f"/posix_volume/output/{ONE}")
