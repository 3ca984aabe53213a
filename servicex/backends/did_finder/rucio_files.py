"""The files of a Rucio dataset or container with their replicas, by Rucio's own client (PyPI's `rucio-clients`).

Used only in a process of its own: the client waits and tries again as it sees fit, and prints.
"""
import os
from collections.abc import Iterable, Iterator
from typing import Any

from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.did_finder.search import Search, SearchFailed
from servicex.backends.did_finder.urls import REMOTE_SCHEMES, check_url
from servicex.errors import InvalidDataset

MAX_FILES = 1_000_000


def find_replicas(search: Search) -> Iterator[FoundFile]:
    """Each file of a dataset, its replicas the nearest first, sorted by its first one. Raises `SearchFailed`."""
    files: list[FoundFile] = []
    for reply in _ask(search):
        if len(files) == MAX_FILES:
            raise _failed(search, f"holds more than {MAX_FILES} files, which is too much for a dataset")
        files.append(_file(reply))
    if not files:
        raise _does_not_exist(search)
    _check_replicas(search, files)
    yield from sorted(files, key=lambda file: file.paths)


def _ask(search: Search) -> Iterator[dict[str, Any]]:
    """What Rucio says of each file."""
    os.environ["RUCIO_CONFIG"] = search.server
    from rucio.client.replicaclient import ReplicaClient
    from rucio.common.exception import DataIdentifierNotFound
    scope, _, name = search.name.partition(":")
    try:
        replies = ReplicaClient(timeout=search.call_timeout).list_replicas(
            [{"scope": scope, "name": name}], schemes=list(REMOTE_SCHEMES), sort="geoip",
            client_location=_location())
        for reply in replies:
            # An answer that has begun cannot become an error any more: its last line tells of it.
            if not isinstance(reply, dict) or "name" not in reply:
                raise ValueError(reply)
            yield reply
    except DataIdentifierNotFound as error:
        raise _does_not_exist(search) from error
    except Exception as error:  # the client has a tree of errors of its own, and lets those of others through
        raise _failed(search, f"cannot be looked up: {type(error).__name__}: {str(error)[:500]}") from error


def _location() -> dict[str, str | float]:
    """Where files will be read, as the environment says; without it Rucio goes by our address."""
    try:
        place = {"latitude": float(os.environ["RUCIO_LATITUDE"]), "longitude": float(os.environ["RUCIO_LONGITUDE"])}
    except (KeyError, ValueError):
        place = {}
    site = os.environ.get("SITE_NAME")
    return {**place, "site": site} if site else {**place}


def _file(reply: dict[str, Any]) -> FoundFile:
    """The file, without replicas if none can be read."""
    pfns = reply.get("pfns") or {}
    ordered = sorted(pfns, key=lambda pfn: pfns[pfn].get("priority") or 0)
    # One to be extracted is a ZIP archive that holds the file.
    readable = (pfn for pfn in ordered if not pfns[pfn].get("client_extract") and _is_readable(pfn))
    return FoundFile(tuple(readable), reply.get("adler32"), int(reply.get("bytes") or 0))


def _is_readable(pfn: str) -> bool:
    try:
        check_url(pfn)
    except InvalidDataset:
        return False
    return True


def _check_replicas(search: Search, files: Iterable[FoundFile]) -> None:
    """A dataset with a part of its files left out would give wrong numbers."""
    lost = sum(not file.paths for file in files)
    if lost:
        raise _failed(search, f"has {lost} files without a replica that can be read just now by "
                              f"{' or '.join(REMOTE_SCHEMES)}")


def _does_not_exist(search: Search) -> SearchFailed:
    return SearchFailed(LookupFailure.DOES_NOT_EXIST, f"Rucio knows no files of {search.name}.")


def _failed(search: Search, what: str) -> SearchFailed:
    return SearchFailed(LookupFailure.INTERNAL_FAILURE, f"{search.name} {what}.")
