"""What an S3 client asks for, read from the raw request target.

A WSGI server gives the decoded path in PATH_INFO, from which the path that was signed cannot be told: `%2C` and `,`
are the same there. So everything is taken from the target as it came over the wire.
"""
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes
from wsgiref.types import WSGIEnvironment

from servicex.backends.object_store.base import BUCKET_PATTERN
from servicex.backends.object_store.s3_door.faults import bad_request

MAX_TARGET = 8192

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
_S3_PATH = re.compile(rf"/({BUCKET_PATTERN})(?:/(.*))?", re.DOTALL)
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class S3Request:
    """A request to the door.

    `path` is the path as it was sent, `key` is decoded and empty if the bucket itself is meant. `parameters` are those
    of the query, decoded; `bare` names those that came without an `=`. The names of `headers` are in lower case.
    """

    method: str
    path: str
    bucket: str
    key: str
    parameters: Mapping[str, str]
    bare: frozenset[str]
    headers: Mapping[str, str]

    def spellings(self) -> tuple[str, ...]:
        """The path as S3 encodes it and as it was sent: clients sign the one or the other.

        S3 itself takes the first for version 4 and the second for version 2. Both are the same object, and some HTTP
        libraries (yarl, in aiohttp) rewrite `%2C` to `,` on the way, so that either must do.
        """
        as_s3 = encoded(unquote_to_bytes(self.path.encode("latin-1")), safe="/")
        return (as_s3,) if as_s3 == self.path else (as_s3, self.path)


def raw_target(environ: WSGIEnvironment) -> str:
    """The path and query of the request as the client sent them, each byte a Latin-1 character.

    waitress calls it REQUEST_URI, gunicorn RAW_URI, werkzeug both. Where neither is known it is put together again,
    which is right for all clients that encode as S3 does.
    """
    target: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if target:
        return _ORIGIN.sub("", target, count=1) if target[0] != "/" else target
    path = encoded(environ.get("PATH_INFO", "").encode("latin-1"), safe="/")
    return f"{path}?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else path


def is_for_s3(target: str) -> bool:
    """Whether the target is `/<bucket>` or `/<bucket>/<key>`."""
    return _S3_PATH.fullmatch(target.partition("?")[0]) is not None


def read_request(environ: WSGIEnvironment, target: str) -> S3Request:
    """The request behind a target that is for S3. Raises `S3Fault` (400) if it is malformed."""
    if len(target) > MAX_TARGET:
        raise bad_request("InvalidURI", f"The request target is longer than {MAX_TARGET} bytes.")
    path, _, query = target.partition("?")
    match = _S3_PATH.fullmatch(path)
    if match is None:
        raise bad_request("InvalidURI", "The path is not of the form /<bucket>/<key>.")
    parameters, bare = _read_query(query)
    return S3Request(environ["REQUEST_METHOD"], path, match[1], _decoded(match[2] or ""), parameters, bare,
                     _read_headers(environ))


def encoded(text: str | bytes, safe: str = "") -> str:
    """Percent-encoded as S3 wants it: all but `A-Za-z0-9-_.~`, in capitals, a space as `%20`."""
    return quote(text, safe=safe)


def _read_query(query: str) -> tuple[dict[str, str], frozenset[str]]:
    parameters: dict[str, str] = {}
    bare = set()
    for pair in filter(None, query.split("&")):
        raw_name, equals, value = pair.partition("=")
        name = _decoded(raw_name)
        if name in parameters:
            raise bad_request("InvalidArgument", "A query parameter is given twice.")
        parameters[name] = _decoded(value)
        if not equals:
            bare.add(name)
    return parameters, frozenset(bare)


def _decoded(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise bad_request("InvalidURI", "The request target has a % that is not followed by two hexadecimal digits.")
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeError as error:
        raise bad_request("InvalidURI", "The request target is not in UTF-8.") from error


def _read_headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items()
               if name.startswith("HTTP_")}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers
