"""What is asked of a search for files and what it gives, in plain data."""
from dataclasses import dataclass

from servicex.backends.did_finder.base import LookupFailure


@dataclass(frozen=True)
class Search:
    """A search for the files of one dataset; `scheme` says what kind of search it is.

    scheme         `name`                                   `server`
    file           an absolute path, perhaps with wildcards
    xrootd         an absolute path, perhaps with wildcards `root://host:port`
    cernopendata   the number of a record                   the URL of the portal
    rucio          `scope:name`                             the path of the `rucio.cfg` that names the server

    `allowed`: the directories to which a search of this machine is confined. `limit`: only so many files, the first
    ones by path; None for all. `call_timeout`: seconds that one call to a server may take.
    """

    scheme: str
    name: str
    server: str = ""
    allowed: tuple[str, ...] = ()
    limit: int | None = None
    call_timeout: int = 30


class SearchFailed(Exception):
    """Raised when a search cannot be done or finds nothing; the message is for a person."""

    def __init__(self, reason: LookupFailure, message: str):
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
