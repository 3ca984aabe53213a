"""Searches for files of this machine, confined to the allowed directories."""
import errno
import os
import stat
from collections.abc import Iterable, Iterator

from servicex.backends.did_finder.allowed_paths import AllowedPaths
from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.did_finder.patterns import split_pattern
from servicex.backends.did_finder.search import Search, SearchFailed
from servicex.backends.did_finder.walk import Entry, find_files

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def find_local(search: Search) -> Iterator[FoundFile]:
    """Each file that a search of this machine finds, sorted by path.

    A file or directory that has exactly the name given is meant by it, wildcards or not. Raises `SearchFailed`, also
    when a match is a symbolic link that leads out of the allowed directories.
    """
    tree = LocalTree(AllowedPaths(search.allowed))
    base, parts = split_pattern(search.name)
    if parts and os.path.lexists(search.name):
        base, parts = search.name, ()
    try:
        yield from find_files(tree, base, parts, where=search.name)
    except OSError as error:
        raise SearchFailed(LookupFailure.INTERNAL_FAILURE,
                           f"Cannot read {error.filename or base}: {error.strerror}") from error


class LocalTree:
    """The directories of this machine; every one that is read and every file that is given is checked first."""

    def __init__(self, allowed: AllowedPaths):
        self._allowed = allowed

    def entries(self, directory: str) -> Iterable[Entry]:
        """What is in a directory; nothing if it is gone."""
        self._check(directory)
        try:
            with os.scandir(directory) as found:
                return [Entry(item.name, _is_dir(item), item.is_symlink()) for item in found]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def entry(self, path: str) -> Entry | None:
        """What is at a path; None if there is nothing."""
        try:
            mode = os.lstat(path).st_mode
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise
        return Entry(os.path.basename(path), os.path.isdir(path), stat.S_ISLNK(mode))

    def measure(self, path: str, entry: Entry) -> int | None:
        """The size of a regular file; None for pipes, sockets and devices.

        A link that leads nowhere counts as a file of 0 bytes: the transform then tells that it cannot be opened,
        instead of one file fewer being read unnoticed.
        """
        self._check(path)
        try:
            status = os.stat(path)
        except OSError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def _check(self, path: str) -> None:
        if not self._allowed.holds(path):
            raise SearchFailed(LookupFailure.BAD_NAME,
                               f"{path} leads out of the directories this server may read: {self._allowed}. Allow its "
                               "target with --allow-path, or use a pattern that leaves it out.")


def _is_dir(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself
        return False
