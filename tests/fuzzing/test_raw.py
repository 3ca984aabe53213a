"""What no client library would send: bytes in the place of text, in paths, queries and headers of every route."""
import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse

import pytest

from servicex.reference import openapi_document
from tests.fuzzing.fuzzed_server import FuzzedServer

# Of HTTP itself: the request is malformed, its line or its headers are too long, the method is none.
OF_HTTP = {400, 404, 405, 414, 431, 501}
NASTY = (b"%00", b"%ff%fe", b"%ED%A0%80", b"%F0%9F%8D%95", b"..%2f..%2fetc%2fpasswd", b"%0d%0aX-Injected:%20yes", b"-1",
         b"0", b"2147483648", b"99999999999999999999999999", b"%25%7B%7B7*7%7D%7D", b"';--", b"1e400", b"x" * 20_000,
         b"\xff\xfe", b"\x7f", b"%", b"%zz", b"a;b=c", b"[")
HEADERS = (b"Authorization", b"Idempotency-Key", b"Accept", b"Accept-Language", b"Content-Type", b"Content-Encoding",
           b"Origin", b"Referer", b"Host", b"Cookie", b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto",
           b"X-Scheme", b"Range", b"If-Modified-Since", b"If-None-Match", b"Expect", b"X-HTTP-Method-Override",
           b"Access-Control-Request-Method", b"Sec-Fetch-Site", b"User-Agent")
VALUES = (b"", b"\xff\xfe", b"\xf0\x9f\x8d\x95", b"x" * 5000, b"Bearer " + b"a." * 3000, b"Bearer \xff", b"Bearer",
          b"*/*;q=x", b"http://[", b"-1", b"bytes=0-99999999999999999999", b"\x01", b",,,;;==", b"[::1", b"a:99999999",
          b"a, b, c, d")
ROUTES = [(method.upper(), path) for path, methods in openapi_document()["paths"].items() for method in methods]
PAGES = [("GET", "/"), ("GET", "/apidoc"), ("GET", "/static/main.css"), ("GET", "/no/such/page")]


def exchange(server: FuzzedServer, head: bytes, body: bytes = b"") -> tuple[int, bytes, dict[str, str]]:
    """Send bytes; gives status, body and headers of the answer."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as connection:
        connection.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read(), dict(answer.getheaders())


def check(server: FuzzedServer, head: bytes, body: bytes = b"") -> None:
    """Send bytes as bob; the answer is no failure of the server and, if it is an error, told in its one shape."""
    status, answer, headers = exchange(server, head, body)
    assert status < 500 or status == 501, (head[:200], status, answer[:500])
    assert "X-Injected" not in headers
    if status >= 400 and headers.get("Content-Type") == "application/json":
        assert isinstance(json.loads(answer)["message"], str), (head[:200], answer[:500])
    elif not head.startswith(b"POST /slack"):  # Slack reads no answers, so these are empty
        assert status < 400 or b"<Error>" in answer or b"<html" in answer, (head[:200], status, answer[:500])


def request(method: str, path: bytes, server: FuzzedServer) -> bytes:
    """The head of a request, with bob's token."""
    return b"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer %s" % (
        method.encode(), path, server.tokens["bob"].encode())


def paths(path: str) -> Iterator[bytes]:
    """The path with something nasty in each of its places, and behind it as a query."""
    for nasty in NASTY:
        yield re.sub(rb"[{]\w+[}]", lambda _: nasty, path.encode())  # noqa: B023
        yield re.sub(rb"[{]\w+[}]", b"1", path.encode()) + (
            b"?limit=%b&cursor=%b&later_than=%b&details=%b&tail=%b&submitted_by=%b&did-finder=%b&show-deleted=%b"
            b"&%b=%b" % ((nasty,) * 10))


@pytest.mark.parametrize("method, path", [*ROUTES, *PAGES])
def test_nasty_paths_and_queries(fuzzed: FuzzedServer, method: str, path: str) -> None:
    for target in paths(path):
        check(fuzzed, request(method, target, fuzzed))


@pytest.mark.parametrize("header", HEADERS)
def test_nasty_headers(fuzzed: FuzzedServer, header: bytes) -> None:
    for method, path in [("GET", "/servicex/transformation"), ("POST", "/servicex/transformation"), *PAGES,
                         ("POST", "/token/refresh"), ("OPTIONS", "/users")]:
        for value in VALUES:
            lines = [line for line in request(method, path.encode(), fuzzed).split(b"\r\n")
                     if not line.lower().startswith(header.lower() + b":")]
            check(fuzzed, b"\r\n".join([*lines, header + b": " + value]), b"{}" if method == "POST" else b"")


@pytest.mark.parametrize("body", [
    b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b"1e999", b'{"did": 1e999}', b'{"title": "\\ud800"}', b"[" * 100_000,
    b'{"a":' * 50_000, b'{"workers": ' + b"9" * 5000 + b"}", b'{"title": NaN, "title": Infinity}', b"{}" * 2,
    b'{"file-list": [' + b"null," * 1000 + b"null]}", '{"title": "é"}'.encode("utf-16"),
    b'\xef\xbb\xbf{"title": "bom"}',
    b'{"email": "' + b"a" * 100_000 + b'@example.org"}'])
def test_nasty_bodies(fuzzed: FuzzedServer, body: bytes) -> None:
    for method, path in ROUTES:
        if method in ("POST", "PUT"):
            target = re.sub(r"[{]\w+[}]", "1", path).encode()
            check(fuzzed, request(method, target, fuzzed) + b"\r\nContent-Type: application/json", body)
            check(fuzzed, request(method, target, fuzzed) + b"\r\nContent-Type: application/json; charset=x", body)
