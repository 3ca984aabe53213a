"""A small HTTP server that plays another's part: it answers what a test tells it to."""
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """A request: `path` with its query, `headers` by names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered. Before it comes, `held` is waited for, at most half a minute."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    held: threading.Event | None = None


class AnsweringServer:
    """Gives every request to `answer`, and remembers them in `asked`; `url` is its address."""

    def __init__(self, answer: Callable[[Asked], Answer]):
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = ""

    def handle(self, asked: Asked) -> Answer:
        """Answer one request."""
        self.asked.append(asked)
        answer = self.answer(asked)
        if answer.held is not None:
            answer.held.wait(30)
        return answer


@contextlib.contextmanager
def answering(answer: Callable[[Asked], Answer]) -> Iterator[AnsweringServer]:
    """A server on a free port of the loopback address."""
    server = AnsweringServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.handle(Asked(self.command, self.path, headers, body))
            with contextlib.suppress(ConnectionError):
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = _handle

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join(10)
