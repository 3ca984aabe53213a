"""Files on web servers: read in place, or fetched whole where the server cannot give a part of a file."""
import re
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.request import Request, urlopen

# A file of more bytes than this is not fetched whole. How long that may take is the affair of the attempt's deadline.
LARGEST_FETCHED = 4 * 2**30

_WEB = re.compile(r"https?://", re.IGNORECASE)
_SECONDS = 30.0
_PIECE = 2**20
_PARTIAL = 206


class FileTooLarge(Exception):
    """Raised when a file that can only be fetched whole is too large for that."""


def fetched_file(output: Path) -> Path:
    """Where the input for this output is kept, if it has to be fetched whole."""
    return output.with_name(f"{output.name}.input")


def local_or_url(path: str, into: Path) -> str:
    """What to read for `path`: itself, or `into` with all that a web server without byte ranges sent.

    Readers ask for parts of a file, and such a server sends all of it each time, from the first byte on. Raises
    `FileTooLarge`, and `OSError` if the transfer breaks off or the disk is full.
    """
    response = _answer(path) if is_web(path) else None
    if response is None:
        return path
    with response:
        if response.status == _PARTIAL:
            return path
        _fetch(response, path, into, LARGEST_FETCHED)
    return str(into)


def _answer(url: str) -> HTTPResponse | None:
    """The answer to a request for the first byte; None for a refusal or silence, of which the reader knows more."""
    with suppress(HTTPException, OSError, ValueError):
        request = Request(url, headers={"Range": "bytes=0-0", "Accept-Encoding": "identity"})
        answer: HTTPResponse = urlopen(request, timeout=_SECONDS)
        return answer
    return None


def is_web(path: str) -> bool:
    """Whether a path leads to a web server."""
    return _WEB.match(path) is not None


def fetch_whole(url: str, into: Path, limit: int) -> None:
    """Fetch a file of at most `limit` bytes. Raises `FileTooLarge`, and `OSError` or `HTTPException`."""
    with urlopen(Request(url, headers={"Accept-Encoding": "identity"}), timeout=_SECONDS) as response:
        _fetch(response, url, into, limit)


def _fetch(response: HTTPResponse, url: str, into: Path, limit: int) -> None:
    announced, received = response.length, 0
    _check_size(announced or 0, url, limit)
    with open(into, "wb") as file:
        while piece := _read(response, url):
            received += len(piece)
            _check_size(received, url, limit)
            file.write(piece)
    if announced is not None and received < announced:
        raise ConnectionError(f"the transfer of {url} broke off after {received} of {announced} bytes")


def _read(response: HTTPResponse, url: str) -> bytes:
    try:
        return response.read(_PIECE)
    except HTTPException as error:
        raise ConnectionError(f"the transfer of {url} broke off: {type(error).__name__}") from error


def _check_size(size: int, url: str, limit: int) -> None:
    if size > limit:
        raise FileTooLarge(f"the server of {url} does not support byte ranges, and the file is too large to be fetched "
                           f"whole: at most {limit} bytes are")
