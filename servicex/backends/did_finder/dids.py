"""The DIDs of the built-in finders: from text to the search that it asks for."""
import re
from collections.abc import Sequence
from pathlib import Path

from servicex.backends.did_finder.allowed_paths import AllowedPaths, check_text
from servicex.backends.did_finder.options import split_options
from servicex.backends.did_finder.patterns import split_pattern
from servicex.backends.did_finder.search import Search
from servicex.backends.did_finder.urls import check_url
from servicex.errors import InvalidDataset

_MAX_COMPONENTS = 100
_RECORD = re.compile("[0-9]{1,12}")
# A "*" would be a pattern, which Rucio does not expand where replicas are asked for.
_RUCIO_NAME = re.compile(r"[A-Za-z0-9_.-]{1,50}:/?[A-Za-z0-9_.#+=@~-][A-Za-z0-9_.#+=@~/-]{0,499}")


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
    return Search("file", pattern, allowed=tuple(str(path) for path in allowed_paths), limit=options.files)


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
    return Search("xrootd", pattern, f"root://{host}", limit=options.files)


def record_search(did: str, portal: str) -> Search:
    """The search that `cernopendata://<did>` asks for, `did` being a record's number. Raises `InvalidDataset`."""
    name, options = split_options(did)
    if not _RECORD.fullmatch(name):
        raise InvalidDataset(f"{name[:200]!r} is not the number of a record of the CERN Open Data portal: write "
                             "cernopendata://12345")
    return Search("cernopendata", name, portal, limit=options.files)


def rucio_search(did: str, config: str) -> Search:
    """The search that `rucio://<did>` asks for, `did` being `scope:name`, or a name alone whose beginning tells the
    scope. Raises `InvalidDataset`."""
    name, options = split_options(did)
    scoped = name if ":" in name else f"{_scope(name)}:{name}"
    if not _RUCIO_NAME.fullmatch(scoped):
        raise InvalidDataset(f"{name[:200]!r} is not a name that Rucio could know: write rucio://scope:name")
    return Search("rucio", scoped.rstrip("/"), config, limit=options.files)


def _scope(name: str) -> str:
    """The scope that a name has where scopes are the beginnings of names: `user.<somebody>`, `group.<group>`, or the
    name's first part."""
    parts = name.split(".")
    return ".".join(parts[:2 if parts[0] in ("user", "group") else 1])


def _check_length(parts: Sequence[str]) -> None:
    if len(parts) > _MAX_COMPONENTS:
        raise InvalidDataset(f"The pattern has {len(parts)} parts; at most {_MAX_COMPONENTS} are allowed.")
