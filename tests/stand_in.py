"""An HTTP server of a few lines for tests, which stands in for a service of somebody else."""
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Request:
    """What came."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered. `pieces` come after the headers, a fifth of a second apart, without a length being told."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    pieces: int = 0


class StandIn:
    """Answers every request with what `respond` makes of it, or never if that is None; remembers the requests.

    A context manager that listens on a free port of the loopback address: `address` is its host:port. It speaks TLS if
    it is given a file with a certificate and its key.
    """

    def __init__(self, respond: Callable[[Request], Reply | None], port: int = 0, certificate: Path | None = None):
        self.requests: list[Request] = []
        self._respond = respond
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self) -> "StandIn":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Take a request and answer it."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = Request(handler.command, handler.path, handler.headers, body)
        self.requests.append(request)
        reply = self._respond(request)
        if reply is None:
            self._closing.wait(60)
            return
        handler.send_response(reply.status)
        headers = reply.headers if reply.pieces else {"Content-Length": str(len(reply.body)), **reply.headers}
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        self._write(handler, reply)

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if handler.command == "HEAD":
            return
        try:
            handler.wfile.write(reply.body)
            for _ in range(reply.pieces):
                handler.wfile.write(b"x")
                self._closing.wait(0.2)
        except OSError:
            pass  # the client had enough

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                stand_in.answer(self)

            do_GET = do_HEAD = do_POST = do_any

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler
