"""The HTTP side: requests are read, answered, or let go wrong."""
import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.kubernetes.fake.answers import Answer, Question, Stream, answer
from tests.kubernetes.fake.errors import ApiError, bad_request
from tests.kubernetes.fake.troubles import ConnectionDropped

if TYPE_CHECKING:
    from tests.kubernetes.fake.server import State

BODY_BYTES = 3 * 1024 * 1024


def handler(state: "State") -> type[BaseHTTPRequestHandler]:
    """The class that handles requests to a server with that state."""

    class Handler(_Handler):
        pass

    Handler.state = state
    return Handler


class _Handler(BaseHTTPRequestHandler):
    state: "State"
    protocol_version = "HTTP/1.1"
    # Head and body of an answer are two small writes: without this the second waits for the client's receipt.
    disable_nagle_algorithm = True

    def do_any(self) -> None:
        """Answer one request."""
        try:
            self._respond()
        except (ConnectionDropped, BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def _respond(self) -> None:
        told = f"{self.command} {self.path}"
        self.state.requests.append(told)
        trouble = self.state.troubles.take(told)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.state.troubles.before(trouble)
            found = answer(self.state, self._question(body))
        except ApiError as error:
            self._send(_refusal(error))
            return
        if trouble is not None and trouble.drop:
            raise ConnectionDropped
        if isinstance(found, Stream):
            self._stream(found)
        else:
            self._send(found)

    def _question(self, body: bytes) -> Question:
        if len(body) > BODY_BYTES:
            raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {BODY_BYTES}")
        address = urlsplit(self.path)
        content_type = (self.headers.get("Content-Type") or "").split(";")[0].strip()
        return Question(self.command, address.path, dict(parse_qsl(address.query, keep_blank_values=True)),
                        _parsed(body), content_type, self.headers.get("Authorization"))

    def _send(self, found: Answer) -> None:
        self.send_response(found.status)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Length", str(len(found.body)))
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(found.body)

    def _stream(self, stream: Stream) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in stream.events:
            if event is not None:
                self._chunk(json.dumps(event).encode() + b"\n")
        self._chunk(b"")

    def _chunk(self, piece: bytes) -> None:
        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else None
    except ValueError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None


def _refusal(error: ApiError) -> Answer:
    if error.message == "404 page not found":
        return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
    seconds = (error.details or {}).get("retryAfterSeconds")
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return Answer(error.code, json.dumps(error.body()).encode(), headers=headers)
