"""Which local paths may be read: those below the allowed directories, symbolic links resolved."""
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from servicex.errors import InvalidDataset

MAX_PATH_LENGTH = 4096
# fsspec, through which uproot reads, takes "a::b" for a chain of file systems: b would escape every check made of a.
CHAIN = "::"
_PARENTS_KEPT = 4096
# Control characters, and the lone surrogates by which Python marks what is not UTF-8.
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def is_fit(text: str) -> bool:
    """Whether a name is text that can be stored, sent and shown: UTF-8 and no control characters."""
    return _UNFIT.search(text) is None


def check_text(text: object, what: str) -> str:
    """The text itself; raises `InvalidDataset` unless it is a path or URL that can be stored, sent and shown."""
    if not isinstance(text, str):
        raise InvalidDataset(f"{what} must be text, not {type(text).__name__}.")
    if not text.strip():
        raise InvalidDataset(f"{what} is empty.")
    if len(text) > MAX_PATH_LENGTH:
        raise InvalidDataset(f"{what} is {len(text)} characters long; at most {MAX_PATH_LENGTH} are allowed.")
    if not is_fit(text):
        raise InvalidDataset(f"{what} holds a control character or is not UTF-8: {text[:200]!a}.")
    return text


class AllowedPaths:
    """The directories below which local files may be read; relative paths are relative to the first.

    An object remembers where directories really are, so it is made anew for every request or look-up and not kept.
    """

    def __init__(self, directories: Sequence[Path | str]):
        self._directories = [os.path.abspath(directory) for directory in directories]
        self._real = [os.path.realpath(directory) for directory in directories]
        self._real_parents: dict[str, str] = {}

    def absolute(self, path: str) -> str:
        """The path made absolute, `.` and doubled `/` taken out. Raises `InvalidDataset` for `..` and `::` in it."""
        if not self._directories:
            raise InvalidDataset(f"{path[:200]!r} is a local path, and this server reads no local files.")
        if ".." in path.split("/"):
            raise InvalidDataset(f"{path[:200]!r} holds '..': write the path without it.")
        if CHAIN in path:
            raise InvalidDataset(f"{path[:200]!r} holds '::', which names a file in a file; rename it.")
        # normpath keeps a leading "//", which POSIX lets mean something else.
        return "/" + os.path.normpath(os.path.join(self._directories[0], path)).lstrip("/")

    def holds(self, path: str) -> bool:
        """Whether an absolute path, every symbolic link in it followed, lies in an allowed directory or is one."""
        real = self._real_path(path)
        return any(real == top or real.startswith(top.rstrip("/") + "/") for top in self._real)

    def check(self, path: str) -> None:
        """Raise `InvalidDataset`, naming the allowed directories, unless `holds(path)`."""
        if not self.holds(path):
            raise InvalidDataset(f"{path[:200]!r} is outside the directories this server may read: {self}. "
                                 "Copy it there, or start the server with --allow-path for its directory.")

    def _real_path(self, path: str) -> str:
        parent, name = os.path.split(path)
        if not name or _is_link(path):
            return os.path.realpath(path)
        return os.path.join(self._real_parent(parent), name)

    def _real_parent(self, parent: str) -> str:
        # Lists of 220,000 files in a few directories: resolving each path in full costs ten times as much.
        real = self._real_parents.get(parent)
        if real is None:
            if len(self._real_parents) >= _PARENTS_KEPT:
                self._real_parents.clear()
            real = self._real_parents[parent] = os.path.realpath(parent)
        return real

    def __str__(self) -> str:
        return ", ".join(self._directories)


def _is_link(path: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return False
