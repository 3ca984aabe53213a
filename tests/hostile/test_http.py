"""Garbage on the wire: every request is answered or its connection closed, none breaks the server or holds it up."""
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.hostile.asking import RAW, Service

SECONDS = 10
HEAD = b"Host: localhost\r\nConnection: close\r\n"
POST = b"POST /servicex/transformation HTTP/1.1\r\nContent-Type: application/json\r\n" + HEAD
BUCKET = b"/1b4e28ba-2fa1-4d2b-883f-0016d3cca427"

SUBMISSION = {"selection": RAW, "codegen": "uproot-raw", "result-format": "root-file"}


@contextmanager
def connection(service: Service) -> Iterator[socket.socket]:
    """A bare connection to the server."""
    with socket.create_connection(("127.0.0.1", service.server.port), timeout=SECONDS) as sock:
        yield sock


def get(target: bytes, more: bytes = b"") -> bytes:
    """A GET request for this very target."""
    return b"GET " + target + b" HTTP/1.1\r\n" + more + HEAD + b"\r\n"


def exchange(service: Service, sent: bytes) -> bytes:
    """What the server answers till it closes the connection. Raises `TimeoutError` if it does not."""
    with connection(service) as sock:
        try:
            sock.sendall(sent)
        except OSError:
            pass  # it would not hear the end
        return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    received = b""
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data


def status_of(answer: bytes) -> int:
    """The status of an answer; its message must be in the shape of all errors."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    if status >= 400 and b"application/json" in head:
        assert isinstance(json.loads(body)["message"], str)
    assert b"Traceback" not in body and b"site-packages" not in body
    return status


@pytest.mark.parametrize("sent, status", [
    (get(b"/servicex", b"X: " + b"a" * 2 ** 20 + b"\r\n"), 431),
    (get(b"/servicex", b"".join(b"X%d: a\r\n" % n for n in range(50_000))), 431),
    (get(b"/" + b"a" * 100_000), 404),
    (get(b"/servicex/transformation/" + b"a" * 100_000), 404),
    (get(b"/" * 100_000 + b"servicex"), 200),
    (get(b"/" + b"%25" * 30_000), 404),
    (get(BUCKET + b"/" + b"a" * 100_000), 400),
    (get(b"/servicex/transformation/%ff%fe%zz%%"), 404),
    (get(b"/servicex/transformation/%00"), 404),
    (get(b"/servicex/\0/x"), 404),
    (get(b"/servicex", b"X: \0\r\n"), 400),
    (get(b"/servicex/transformation/1/results?later_than=%ff%zz&limit=%00"), (400, 404)),
    (get(BUCKET + b"/%ff%zz?X-Amz-Signature=%ff"), 400),
    (get(BUCKET + b"/a", b"Authorization: AWS4-HMAC-SHA256 \xff\xfe=,=\r\n"), 400),
    (get(b"/../../etc/passwd"), 404),
    (get(b"//servicex"), 200),
    (get(b"http://localhost/servicex"), 200),
    (get(b"/servicex", b"Host: elsewhere\r\n"), 403),
    (b"GET /servicex HTTP/1.1\r\nConnection: close\r\n\r\n", 403),
    (b"GET /servicex\r\n\r\n", 403),
    (b"GET /servicex NONSENSE/1\r\n" + HEAD + b"\r\n", 400),
    (b"get /servicex HTTP/1.1\r\n" + HEAD + b"\r\n", 400),
    (b"CONNECT example.org:443 HTTP/1.1\r\n" + HEAD + b"\r\n", 404),
    (b"CONNECT /servicex HTTP/1.1\r\n" + HEAD + b"\r\n", 405),
    (b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n", 404),
    (bytes(range(256)) * 4 + b"\r\n\r\n", 400),
    (POST + b"Content-Length: -5\r\n\r\n{}", 400),
    (POST + b"Content-Length: many\r\n\r\n{}", 400),
    (POST + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}", 400),
    (POST + b"Content-Length: 99999999999999\r\n\r\n{}", 413),
    (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", 400),
    (POST + b"Content-Length: 1\r\n\r\n{}", 400),
    (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
], ids=lambda it: repr(it[:60]) if isinstance(it, bytes) else None)
def test_garbage_is_answered(service: Service, sent: bytes, status: int | tuple[int, ...]) -> None:
    expected = status if isinstance(status, tuple) else (status,)
    assert status_of(exchange(service, sent)) in expected


def test_submission_through_a_doubled_slash(service: Service, good: Path) -> None:
    answer = requests.post(f"{service.server.address}//servicex/transformation", timeout=30, allow_redirects=False,
                           json=SUBMISSION | {"file-list": [str(good)]})
    assert answer.status_code == 200
    assert service.end(answer.json()["request_id"])["status"] == "Complete"


def test_body_shorter_than_it_says_stores_nothing(service: Service, good: Path) -> None:
    body = json.dumps(SUBMISSION | {"file-list": [str(good)], "title": "cut off"}).encode()
    with connection(service) as sock:
        sock.sendall(POST + b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b""
    listed = requests.get(f"{service.server.address}/servicex/transformation", timeout=30).json()["requests"]
    assert "cut off" not in {record["title"] for record in listed}


def test_second_request_behind_a_first_is_not_mixed_up(service: Service) -> None:
    with connection(service) as sock:
        sock.sendall(POST.replace(b"close", b"keep-alive") + b"Content-Length: 2\r\n\r\n{}" + get(b"/servicex"))
        answers = read_all(sock)
    assert answers.startswith(b"HTTP/1.1 400") and answers.count(b"HTTP/1.1") == 2
    assert b"HTTP/1.1 200 OK" in answers


def test_connections_that_dawdle_hold_up_nobody(service: Service) -> None:
    """More of them than threads, and each in another phase of a request."""
    beginnings = [b"", b"G", get(b"/servicex")[:-2], POST + b"Content-Length: 100\r\n\r\n{",
                  POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n["]
    with ExitStack() as stack:
        socks = [stack.enter_context(connection(service)) for _ in range(50)]
        for number, sock in enumerate(socks):
            sock.sendall(beginnings[number % len(beginnings)])
        time.sleep(0.2)
        for sock in socks:
            sock.sendall(b"x")
        for _ in range(5):
            begun = time.monotonic()
            assert requests.get(f"{service.server.address}/servicex", timeout=SECONDS).status_code == 200
            assert time.monotonic() - begun < 2


def test_connections_closed_while_they_are_answered(service: Service) -> None:
    for _ in range(50):
        with connection(service) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no orderly end
            sock.sendall(get(b"/servicex/transformation"))
    assert requests.get(f"{service.server.address}/servicex", timeout=SECONDS).status_code == 200


@pytest.mark.long
def test_body_without_end_is_cut_off(service: Service) -> None:
    """It goes to a temporary file of at most 1 GiB, and then the connection is closed."""
    chunk = b"100000\r\n" + b" " * 2 ** 20 + b"\r\n"
    sent = 0
    with connection(service) as sock:
        sock.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            while sent < 2000:
                sock.sendall(chunk)
                sent += 1
    assert 128 <= sent < 1200
    assert requests.get(f"{service.server.address}/servicex", timeout=SECONDS).status_code == 200
