"""The program that does one search in a process of its own, where it can be killed: `python -m` this module.

The first line of its standard input is a `Search` in JSON. It writes one JSON array a line: `["file", paths, size,
adler32]` for each file, and last `["end"]` or `["failed", reason, message]`. It ends at once when its standard input is
closed, so it does not outlive the server.
"""
import itertools
import json
import os
import sys
import threading
from collections.abc import Iterator

from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.did_finder.search import Search, SearchFailed


def main() -> None:
    """Do the search that standard input asks for."""
    search = Search(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    # Libraries that print would be taken for us.
    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        for file in itertools.islice(_found(search), search.limit):
            print(json.dumps(["file", file.paths, file.file_size, file.adler32]), file=answers, flush=True)
        last = ["end"]
    except SearchFailed as failure:
        last = ["failed", failure.reason.value, failure.message]
    except ImportError as error:
        last = ["failed", LookupFailure.INTERNAL_FAILURE.value, f"The client for {search.scheme} cannot be loaded "
                                                                f"here: {error}"]
    print(json.dumps(last), file=answers, flush=True)
    os._exit(0)  # XRootD's own threads may hold up an orderly end


def _found(search: Search) -> Iterator[FoundFile]:
    """What a search finds, sorted by path. Loads no more than this kind of search needs."""
    match search.scheme:
        case "file":
            from servicex.backends.did_finder.local_files import find_local as find
        case "xrootd":
            from servicex.backends.did_finder.xrootd_files import find_remote as find
        case "cernopendata":
            from servicex.backends.did_finder.cernopendata_files import find_record as find
        case "rucio":
            from servicex.backends.did_finder.rucio_files import find_replicas as find
        case _:
            raise SearchFailed(LookupFailure.INTERNAL_FAILURE, f"There is no search for {search.scheme}.")
    return find(search)


def _end_with_the_server() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
