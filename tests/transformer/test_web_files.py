"""Files on a web server that gives parts of files, and on one that does not."""
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from servicex.processes import WarmParent
from servicex.transformer import TARGET, web_file
from servicex.transformer.attempt import transform
from servicex.transformer.program import Program
from tests.transformer.conftest import QUERY, program_files


@contextmanager
def web_server(content: bytes, ranges: bool, announced: int | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server of one file; gives its URL and, for each GET, the range that was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._begin(200, len(content))

        def do_GET(self) -> None:
            asked.append(self.headers.get("Range", ""))
            part = re.fullmatch(r"bytes=(\d+)-(\d*)", asked[-1])
            if not ranges or part is None:
                self._begin(200, announced or len(content))
                self.wfile.write(content)
                self.close_connection = True
                return
            first, last = int(part[1]), min(int(part[2] or len(content)), len(content) - 1)
            self._begin(206, last + 1 - first, f"bytes {first}-{last}/{len(content)}")
            self.wfile.write(content[first:last + 1])

        def _begin(self, status: int, length: int, part: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            if part:
                self.send_header("Content-Range", part)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/input.root", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmParent]:
    parent = WarmParent()
    yield parent
    parent.close()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The folder of a program that doubles x."""
    folder = tmp_path / "program"
    folder.mkdir()
    for name, content in program_files(QUERY).items():
        (folder / name).write_bytes(content)
    return folder


def in_child(warm: WarmParent, program: Path, url: str, output: Path) -> dict:
    """The reply of a real child to one file."""
    with warm.spawn(TARGET) as child:
        child.send({"program": str(program), "language": "python", "command": "transform_single_file.py",
                    "result_format": "root-file", "scratch": str(output.parent)})
        child.send({"paths": [url], "output": str(output)})
        return child.receive(30)


@pytest.mark.parametrize("ranges", [True, False])
def test_file_is_read_with_byte_ranges_and_without(warm, program, events_file, tmp_path, ranges):
    content = Path(events_file(events=50_000)).read_bytes()
    with web_server(content, ranges) as (url, asked):
        reply = in_child(warm, program, url, tmp_path / "result")
    assert (reply["status"], reply.get("path"), reply.get("total_events")) == ("success", url, 50_000), reply
    assert (len(asked) == 1) is not ranges, "a server without ranges is asked for the file once"
    assert not web_file.fetched_file(tmp_path / "result").exists()


def test_transfer_that_breaks_off_is_tried_again(program, tmp_path):
    with web_server(b"root" * 100, ranges=False, announced=1000) as (url, _):
        reply = transform(Program(program, "python", "x.py", "root-file"), [url], tmp_path / "result")
    assert reply["retryable"] and "broke off after 400 of 1000 bytes" in reply["message"]


@pytest.mark.parametrize("announced", [None, 10])
def test_file_that_cannot_be_fetched_whole_is_said(program, tmp_path, monkeypatch, announced):
    monkeypatch.setattr(web_file, "LARGEST_FETCHED", 9)
    with web_server(b"0123456789", ranges=False, announced=announced) as (url, _):
        reply = transform(Program(program, "python", "x.py", "root-file"), [url], tmp_path / "result")
    assert reply["error_class"] == "FileTooLarge" and not reply["retryable"]
    assert f"the server of {url} does not support byte ranges" in reply["message"]


def test_empty_file_is_named_by_its_url(warm, program, tmp_path):
    with web_server(b"", ranges=False) as (url, _):
        reply = in_child(warm, program, url, tmp_path / "result")
    assert f"the input file {url} is empty" in reply["message"]
