"""Results as plain files on a shared volume, for people who have it mounted: one folder a transform."""
import errno
import os
import shutil
from pathlib import Path, PurePosixPath

from servicex.backends.object_store.base import check_bucket_name
from servicex.backends.plain_files import is_file_name, open_plain_file
from servicex.errors import Unavailable

IN_PODS = PurePosixPath("/posix_volume")

_FOLDER_MODE = 0o755
_FILE_MODE = 0o644  # whoever has the volume may read


def folder_in_pods(subfolder: str, request_id: str) -> PurePosixPath:
    """The folder of a transform's results as its transformers see it, which they must make if it is not there."""
    return IN_PODS / subfolder / request_id


class ResultsVolume:
    """The results of each transform in a folder of its own below `root`, by the name of its request id."""

    def __init__(self, root: Path):
        self._root = root

    def folder(self, request_id: str) -> Path:
        """The folder of a transform, there or not. Raises `ValueError` for what is no request id."""
        check_bucket_name(request_id)
        return self._root / request_id

    def create(self, request_id: str) -> None:
        """Make the folder; does nothing if it is there. Raises `Unavailable` if the volume does not take it."""
        try:
            self.folder(request_id).mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The volume for results cannot be written to: {error.strerror}.") from error

    def put(self, request_id: str, name: str, source: Path) -> int:
        """Move the file `source` into the folder, where it appears whole; gives its size in bytes.

        Raises `ValueError` for an impossible name, `OSError` if the folder is gone or the volume is full.
        """
        if not is_file_name(name):
            raise ValueError(f"{name!r} cannot be a file's name.")
        part = self.folder(request_id) / f".part-{name}"
        try:
            _move(source, part)
            size = _finish(part)
            os.replace(part, part.with_name(name))
        finally:
            part.unlink(missing_ok=True)
        return size

    def settle(self, request_id: str) -> None:
        """Does nothing: the volume may be anything, and shows a folder's files in its own time."""

    def delete(self, request_id: str) -> None:
        """Remove the folder with all in it; does nothing if it is not there. Raises `Unavailable` if it cannot be."""
        try:
            shutil.rmtree(self.folder(request_id))
        except FileNotFoundError:
            return
        except OSError as error:
            raise Unavailable(f"Results cannot be removed from their volume: {error.strerror}.") from error


def _move(source: Path, part: Path) -> None:
    """Rename the file, or copy it where the volume is another file system."""
    try:
        os.rename(source, part)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open_plain_file(source) as content, part.open("wb") as copy:
            shutil.copyfileobj(content, copy)
        source.unlink()


def _finish(part: Path) -> int:
    """Bring the file to the disk; gives its size in bytes."""
    with open_plain_file(part) as file:
        os.fchmod(file.fileno(), _FILE_MODE)
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size
