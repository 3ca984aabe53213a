"""What is asked of a search for files and what it gives, in plain data."""
from dataclasses import dataclass

from servicex.backends.did_finder.base import LookupFailure


@dataclass(frozen=True)
class Search:
    """A search for files by one pattern.

    `server`: `root://host:port`, or "" for this machine. `pattern`: an absolute path, perhaps with wildcards.
    `allowed`: the directories to which a search of this machine is confined. `limit`: only so many files, the first
    ones by path; None for all. `call_timeout`: seconds that one call to a server may take.
    """

    server: str
    pattern: str
    allowed: tuple[str, ...] = ()
    limit: int | None = None
    call_timeout: int = 30


class SearchFailed(Exception):
    """Raised when a search cannot be done or finds nothing; the message is for a person."""

    def __init__(self, reason: LookupFailure, message: str):
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
