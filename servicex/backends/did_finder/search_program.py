"""The program that does one search in a process of its own, where it can be killed: `python -m` this module.

The first line of its standard input is a `Search` in JSON. It writes one JSON array a line: `["file", path, size]` for
each file, and last `["end"]` or `["failed", reason, message]`. It ends at once when its standard input is closed, so
it does not outlive the server.
"""
import itertools
import json
import os
import sys
import threading
from collections.abc import Iterator

from servicex.backends.did_finder.base import LookupFailure
from servicex.backends.did_finder.local_files import find_local
from servicex.backends.did_finder.search import Search, SearchFailed
from servicex.backends.did_finder.xrootd_files import find_remote


def main() -> None:
    """Do the search that standard input asks for."""
    search = Search(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    try:
        _write_files(search)
        last = ["end"]
    except SearchFailed as failure:
        last = ["failed", failure.reason.value, failure.message]
    except ImportError as error:
        last = ["failed", LookupFailure.INTERNAL_FAILURE.value, f"XRootD's client cannot be loaded here: {error}"]
    print(json.dumps(last), flush=True)
    os._exit(0)  # XRootD's own threads may hold up an orderly end


def _write_files(search: Search) -> None:
    found: Iterator[tuple[str, int]] = find_remote(search) if search.server else find_local(search)
    count = 0
    for path, size in itertools.islice(found, search.limit):
        count += 1
        print(json.dumps(["file", path, size]), flush=True)
    if count == 0:
        raise SearchFailed(LookupFailure.DOES_NOT_EXIST, _nothing(search))


def _nothing(search: Search) -> str:
    where = f"{search.server}/{search.pattern}" if search.server else search.pattern
    return (f"No file matches {where}. A directory stands for the *.root files directly in it; "
            "write dir/**/*.root for those in its sub-directories too.")


def _end_with_the_server() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
