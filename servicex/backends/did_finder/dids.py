"""The DIDs of the built-in finders: from text to the search that it asks for."""
from collections.abc import Sequence
from pathlib import Path

from servicex.backends.did_finder.allowed_paths import AllowedPaths, check_text
from servicex.backends.did_finder.options import split_options
from servicex.backends.did_finder.patterns import split_pattern
from servicex.backends.did_finder.search import Search
from servicex.backends.did_finder.urls import check_url
from servicex.errors import InvalidDataset

_MAX_COMPONENTS = 100


def local_search(did: str, allowed_paths: Sequence[Path]) -> Search:
    """The search that `file://<did>` asks for.

    Raises `InvalidDataset` if it is malformed or outside the allowed paths.
    """
    name, options = split_options(did)
    allowed = AllowedPaths(allowed_paths)
    pattern = allowed.absolute(check_text(name, "The path of the dataset"))
    if name.endswith("/") and pattern != "/":
        pattern += "/"
    base, parts = split_pattern(pattern)
    _check_length(parts)
    allowed.check(base)
    return Search("", pattern, tuple(str(path) for path in allowed_paths), options.files)


def remote_search(did: str, allow_private_hosts: bool = True) -> Search:
    """The search that `xrootd://<did>` asks for, `did` being `root://host//path`. Raises `InvalidDataset`."""
    name, options = split_options(did)
    check_text(name, "The URL of the dataset")
    if not name.startswith("root://"):
        raise InvalidDataset(f"{name[:200]!r} names no XRootD server: write xrootd://root://host//path/*.root")
    host, _, path = name.removeprefix("root://").partition("/")
    # The path may hold "?" and "#", which mean something else in URLs; it is looked at below.
    check_url(f"root://{host}/path", allow_private_hosts)
    if ".." in path.split("/"):
        raise InvalidDataset(f"{name[:200]!r} holds '..': write the path without it.")
    if not path.strip("/"):
        raise InvalidDataset(f"{name[:200]!r} holds no path: write xrootd://root://host//path/*.root")
    pattern = "/" + path.lstrip("/")
    _check_length(split_pattern(pattern)[1])
    return Search(f"root://{host}", pattern, limit=options.files)


def _check_length(parts: Sequence[str]) -> None:
    if len(parts) > _MAX_COMPONENTS:
        raise InvalidDataset(f"The pattern has {len(parts)} parts; at most {_MAX_COMPONENTS} are allowed.")
