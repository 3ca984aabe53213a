"""The elements of a file list: which paths and URLs are accepted, and in what form they are handed on."""
import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from servicex.backends.did_finder.allowed_paths import AllowedPaths, check_text
from servicex.backends.did_finder.urls import SCHEME, check_url
from servicex.errors import InvalidDataset

# A local file name may hold commas, so a comma separates replicas only where another URL begins after it.
_REPLICA_SEPARATOR = re.compile(r", *(?=[A-Za-z][A-Za-z0-9+.-]*://)")


def check_replicas(entry: object, allowed_paths: Sequence[Path],
                   allow_private_hosts: bool = True) -> tuple[str, ...]:
    """The replicas that one element of a file list names, in its order, none twice.

    Several are separated by commas, each after the first with its scheme. URLs come back as they are, local files
    (plain paths and `file://`) as absolute paths. A local file need not exist yet; one outside the allowed paths, links
    followed, or one that exists and is no regular file raises `InvalidDataset`, as does whatever cannot be read here.

    A replica is a file and never `file:object` as uproot reads plain text: whoever opens it must say so, for example
    `uproot.open({path: None})`, else a colon in a file's name is taken for the beginning of an object's name.
    """
    return _replicas(entry, "The file", AllowedPaths(allowed_paths), allow_private_hosts)


def check_file_list(entries: Iterable[object], allowed_paths: Sequence[Path],
                    allow_private_hosts: bool = True) -> list[tuple[str, ...]]:
    """`check_replicas` of every element of a file list, in its order; the error says which element it is about."""
    allowed = AllowedPaths(allowed_paths)
    return [_replicas(entry, f"File {number} of the file list", allowed, allow_private_hosts)
            for number, entry in enumerate(entries, start=1)]


def _replicas(entry: object, what: str, allowed: AllowedPaths, allow_private_hosts: bool) -> tuple[str, ...]:
    if not isinstance(entry, str):
        raise InvalidDataset(f"{what} must be text, not {type(entry).__name__}.")
    texts = _REPLICA_SEPARATOR.split(entry) if "," in entry else [entry]
    try:
        return tuple(dict.fromkeys(_replica(check_text(text, "The path"), allowed, allow_private_hosts)
                                   for text in texts))
    except InvalidDataset as error:
        raise InvalidDataset(f"{what} cannot be used. {error.message}") from error


def _replica(text: str, allowed: AllowedPaths, allow_private_hosts: bool) -> str:
    scheme = SCHEME.match(text)
    if scheme is None:
        return _local_file(text, allowed)
    if scheme.group(1).lower() == "file":
        return _local_file(text[scheme.end():], allowed)
    return check_url(text, allow_private_hosts)


def _local_file(text: str, allowed: AllowedPaths) -> str:
    path = allowed.absolute(check_text(text, "The path of a file:// URL"))
    allowed.check(path)
    _check_kind(path)
    return path


def _check_kind(path: str) -> None:
    """Refuse what exists and is no file: opening a pipe or a device may never end."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        raise InvalidDataset(f"{path[:200]!r} is a directory: for all its files, ask for the dataset "
                             f"file://{path[:200]} instead.")
    if not stat.S_ISREG(mode):
        raise InvalidDataset(f"{path[:200]!r} is not a regular file.")
