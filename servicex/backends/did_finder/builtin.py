"""The finders built into the server: for this machine, XRootD servers, the CERN Open Data portal and Rucio."""
import dataclasses
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from servicex.backends.did_finder.base import DidFinder, FoundFile, LookupEnded, LookupFailure, LookupSink
from servicex.backends.did_finder.dids import local_search, record_search, remote_search, rucio_search
from servicex.backends.did_finder.search import Search, SearchFailed
from servicex.backends.did_finder.search_process import SearchProcess, is_installed
from servicex.backends.patience import patiently
from servicex.errors import InvalidDataset, Unavailable

_log = logging.getLogger(__name__)

FIRST_CHUNK = 5
CHUNK = 100
CHUNK_SECONDS = 0.5
_JOIN_SECONDS = 5
# How long what was found is told again and again to a sink whose database is away.
PATIENCE = 300.0


class BuiltinDidFinder(DidFinder):
    """Looks datasets up in threads of its own, each with a process that does the searching and can be killed.

    Files are told to the sink from the first few on, then by the hundred or after half a second, always in the order
    of their paths. A look-up that takes longer than `deadline` seconds fails; at most `threads` go on at a time and the
    others wait for their turn. The schemes are `file`, if there are allowed paths; `xrootd`, if PyPI's `xrootd` is
    installed; `cernopendata`, if there is a `portal`, the URL of the CERN Open Data portal; `rucio`, if PyPI's
    `rucio-clients` is installed and `rucio_config`, the path of a `rucio.cfg`, is given. `call_timeout`: seconds that
    one call to a server may take.
    """

    def __init__(self, sink: LookupSink, allowed_paths: Sequence[Path], *, threads: int = 4, deadline: float = 600.0,
                 allow_private_hosts: bool = True, call_timeout: int = 30, portal: str = "", rucio_config: str = ""):
        self._allowed_paths = tuple(allowed_paths)
        self._portal = portal
        self._rucio_config = rucio_config
        self._schemes = _served(bool(allowed_paths), bool(portal), bool(rucio_config))
        self._deadline = deadline
        self._allow_private_hosts = allow_private_hosts
        self._call_timeout = call_timeout
        self._lock = threading.Lock()
        self._running: dict[int, SearchProcess | None] = {}
        self._closed = threading.Event()
        self._sink: LookupSink = _PatientSink(sink, self._closed)
        self._waiting: queue.SimpleQueue[tuple[str, str, int] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"did-finder-{number}", daemon=True)
                         for number in range(threads)]

    inside = True

    @property
    def schemes(self) -> frozenset[str]:
        """`file`, `xrootd`, `cernopendata` and `rucio`, as far as they can be served."""
        return self._schemes

    def check(self, scheme: str, did: str) -> None:
        """Raise `InvalidDataset` for a malformed DID, wrong options or a path outside the allowed ones."""
        self._search(scheme, did)

    def look_up(self, scheme: str, did: str, dataset_id: int) -> None:
        """Begin the look-up, or do nothing if it goes on already or the finder is closed."""
        with self._lock:
            if self._closed.is_set() or dataset_id in self._running:
                return
            self._running[dataset_id] = None
            if not self._threads[0].ident:
                for thread in self._threads:
                    thread.start()
        self._waiting.put((scheme, did, dataset_id))

    def running(self, dataset_id: int) -> bool:
        """Whether a look-up of the dataset goes on or waits for its turn."""
        with self._lock:
            return dataset_id in self._running

    def close(self) -> None:
        """Stop all look-ups, without a word to the sink: the next start takes them up again."""
        with self._lock:
            self._closed.set()
            processes = [process for process in self._running.values() if process is not None]
        for process in processes:
            process.kill()
        for _ in self._threads:
            self._waiting.put(None)
        end = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            if thread.ident:
                thread.join(max(0.0, end - time.monotonic()))

    def _search(self, scheme: str, did: str) -> Search:
        if scheme not in self._schemes:
            raise InvalidDataset(f"The DID scheme {scheme[:50]!r} is not served here; these are: "
                                 f"{', '.join(sorted(self._schemes))}.")
        return dataclasses.replace(self._asked_for(scheme, did), call_timeout=self._call_timeout)

    def _asked_for(self, scheme: str, did: str) -> Search:
        match scheme:
            case "file":
                return local_search(did, self._allowed_paths)
            case "cernopendata":
                return record_search(did, self._portal)
            case "rucio":
                return rucio_search(did, self._rucio_config)
            case _:
                return remote_search(did, self._allow_private_hosts)

    def _work(self) -> None:
        while (asked := self._waiting.get()) is not None and not self._closed.is_set():
            scheme, did, dataset_id = asked
            try:
                self._look_up(scheme, did, dataset_id)
            except LookupEnded:
                _log.info("look-up of dataset %s is no longer wanted", dataset_id)
            except Unavailable as error:  # said nothing, so that the controller begins it again
                _log.error("look-up of dataset %s could not be stored: %s", dataset_id, error)
            except Exception:  # the thread must live on
                _log.exception("look-up of dataset %s broke", dataset_id)
                self._give_up(dataset_id)
            finally:
                with self._lock:
                    del self._running[dataset_id]

    def _give_up(self, dataset_id: int) -> None:
        try:
            self._fail(dataset_id, LookupFailure.INTERNAL_FAILURE, "The look-up broke; the server's log says how.")
        except Exception:  # the sink is what is broken: the controller begins this look-up again
            _log.exception("failure of the look-up of dataset %s could not be told", dataset_id)

    def _look_up(self, scheme: str, did: str, dataset_id: int) -> None:
        """Look a dataset up and tell the sink how it ended, unless the finder is closed meanwhile."""
        try:
            self._tell_files(self._search(scheme, did), dataset_id)
        except InvalidDataset as error:
            self._fail(dataset_id, LookupFailure.BAD_NAME, error.message)
        except SearchFailed as failure:
            self._fail(dataset_id, failure.reason, failure.message)
        except TimeoutError:
            self._fail(dataset_id, LookupFailure.INTERNAL_FAILURE,
                       f"Looking up {scheme}://{did[:200]} was not finished after {self._deadline:g} seconds.")
        except OSError as error:
            self._fail(dataset_id, LookupFailure.INTERNAL_FAILURE, f"The look-up could not be started: {error}")
        else:
            self._sink.complete(dataset_id)

    def _fail(self, dataset_id: int, reason: LookupFailure, message: str) -> None:
        if not self._closed.is_set():
            self._sink.failed(dataset_id, reason, message)

    def _tell_files(self, search: Search, dataset_id: int) -> None:
        process = SearchProcess(search)
        try:
            with self._lock:
                self._running[dataset_id] = process
                if self._closed.is_set():
                    raise LookupEnded
            chunks = _Chunks(self._sink, dataset_id)
            _follow(process, chunks, time.monotonic() + self._deadline)
        finally:
            process.close()


def _served(local: bool, portal: bool, rucio: bool) -> frozenset[str]:
    schemes = {"file": local, "xrootd": is_installed("XRootD"), "cernopendata": portal,
               "rucio": rucio and is_installed("rucio")}
    return frozenset(scheme for scheme, served in schemes.items() if served)


class _PatientSink:
    """Tells another sink, again for a while if the database is away. Raises `LookupEnded` if the finder is closed."""

    def __init__(self, sink: LookupSink, closed: threading.Event):
        self._sink = sink
        self._closed = closed

    def files(self, dataset_id: int, files: Sequence[FoundFile]) -> None:
        self._tell(lambda: self._sink.files(dataset_id, files))

    def complete(self, dataset_id: int) -> None:
        self._tell(lambda: self._sink.complete(dataset_id))

    def failed(self, dataset_id: int, reason: LookupFailure, message: str) -> None:
        self._tell(lambda: self._sink.failed(dataset_id, reason, message))

    def _tell(self, call: Callable[[], None]) -> None:
        if not patiently(call, PATIENCE, self._closed):
            raise LookupEnded


class _Chunks:
    """Hands files on to the sink in chunks."""

    def __init__(self, sink: LookupSink, dataset_id: int):
        self._sink = sink
        self._dataset_id = dataset_id
        self._files: list[FoundFile] = []
        self._enough = FIRST_CHUNK
        self._last = time.monotonic()

    def add(self, paths: Sequence[str], size: int, adler32: str | None) -> None:
        self._files.append(FoundFile(tuple(paths), adler32, size))
        if len(self._files) >= self._enough:
            self.flush()

    def flush_if_late(self) -> None:
        if time.monotonic() - self._last >= CHUNK_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._files:
            self._sink.files(self._dataset_id, self._files)
            self._files = []
            self._enough = CHUNK
        self._last = time.monotonic()


def _follow(process: SearchProcess, chunks: _Chunks, deadline: float) -> None:
    """Hand on what a search finds, to its end. Raises `SearchFailed`, and `TimeoutError` at the deadline."""
    for messages in process.messages(CHUNK_SECONDS, deadline):
        for kind, *values in messages:
            if kind == "file":
                chunks.add(*values)
            elif kind == "failed":
                chunks.flush()
                raise SearchFailed(LookupFailure(values[0]), values[1])
            else:
                chunks.flush()
                return
        chunks.flush_if_late()
    raise SearchFailed(LookupFailure.INTERNAL_FAILURE, "The search for files ended unexpectedly; try again.")
