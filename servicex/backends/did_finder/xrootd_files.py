"""Searches for files on XRootD servers (the protocol and its error numbers: https://xrootd.org/docs.html).

Used only in a process of its own: XRootD's client starts a dozen threads, and a call to a server that does not answer
has been seen to last seven minutes although it was given ten seconds.
"""
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.did_finder.patterns import split_pattern
from servicex.backends.did_finder.search import Search, SearchFailed
from servicex.backends.did_finder.walk import Entry, find_files

_NOT_FOUND = 3011  # kXR_NotFound
_NO_DIRECTORY_ON_THE_WAY = 3005  # kXR_FSError, which servers answer for a path that goes on below a file
_NOT_AUTHORISED = 3010  # kXR_NotAuthorized


def find_remote(search: Search) -> Iterator[FoundFile]:
    """Each file that a search of an XRootD server finds, sorted by URL. Raises `SearchFailed`."""
    base, parts = split_pattern(search.name)
    tree, prefix = XRootDTree(search.server, search.call_timeout), search.server + "/"
    for file in find_files(tree, base, parts, where=prefix + search.name, prefix=prefix):
        if "?" in file.paths[0]:
            raise SearchFailed(LookupFailure.BAD_NAME,
                               f"{file.paths[0]} holds a '?', after which XRootD reads options; rename it.")
        yield file


class XRootDTree:
    """The directories of an XRootD server, or of all the servers behind a redirector."""

    def __init__(self, server: str, call_timeout: int):
        from XRootD.client import FileSystem, flags
        self._server = server
        self._files = FileSystem(server + "/")
        self._timeout = call_timeout
        # As `xrdfs ls` does: a redirector knows only who has a directory, so all who do are asked.
        self._listing = flags.DirListFlags.STAT | flags.DirListFlags.LOCATE | flags.DirListFlags.MERGE
        self._is_dir = flags.StatInfoFlags.IS_DIR
        self._is_other = flags.StatInfoFlags.OTHER

    def entries(self, directory: str) -> Iterable[Entry]:
        """What is in a directory; nothing if it is gone."""
        listing = self._ask(directory, lambda: self._files.dirlist(directory, self._listing, timeout=self._timeout))
        found = (self._listed(directory, item) for item in listing or ())
        return [entry for entry in found if entry is not None]

    def entry(self, path: str) -> Entry | None:
        """What is at a path; None if there is nothing."""
        status = self._ask(path, lambda: self._files.stat(path, timeout=self._timeout))
        return None if status is None else self._entry(os.path.basename(path), status)

    def measure(self, path: str, entry: Entry) -> int | None:
        """The size the server told."""
        return entry.size

    def _listed(self, directory: str, item: Any) -> Entry | None:
        if item.name in (".", ".."):
            return None
        if item.statinfo is None:  # an old server that lists names only
            return self.entry(os.path.join(directory, item.name))
        return self._entry(item.name, item.statinfo)

    def _entry(self, name: str, status: Any) -> Entry:
        is_dir = bool(status.flags & self._is_dir)
        is_file = not is_dir and not status.flags & self._is_other
        return Entry(name, is_dir, size=status.size if is_file else None)

    def _ask(self, path: str, call: Callable[[], Any]) -> Any:
        status, answer = call()
        if status.ok and status.code != status.suPartial:
            return answer
        if status.errno in (_NOT_FOUND, _NO_DIRECTORY_ON_THE_WAY) or status.code == status.errNotFound:
            return None
        raise SearchFailed(LookupFailure.INTERNAL_FAILURE, self._reason(path, status))

    def _reason(self, path: str, status: Any) -> str:
        where = f"{self._server}/{path}"
        if status.ok:
            return f"Only some of the servers that hold {where} answered; try again later."
        if status.errno == _NOT_AUTHORISED:
            return f"{self._server} does not permit reading {where}: {status.message.strip()}"
        return f"{self._server} cannot list {where} just now: {status.message.strip()}"
