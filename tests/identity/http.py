"""A web app served on the loopback address, in this process, that remembers what it was asked."""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from werkzeug.exceptions import InternalServerError
from werkzeug.serving import make_server
from werkzeug.wrappers import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True)
class Seen:
    """One request: its method, its path, its query and its form."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]


class LoopbackServer:
    """Serves an app; a context manager.

    What is asked at a path in `hanging` gets no answer until the server ends, and at one in `broken` gets status 500.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.requests: list[Seen] = []
        self.hanging: set[str] = set()
        self.broken: set[str] = set()
        self._ended = Event()
        self._server = make_server(host, 0, self._watched, threaded=True)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._app: WSGIApplication | None = None
        self.url = f"http://{host}:{self._server.server_port}"

    def serve(self, app: "WSGIApplication") -> None:
        """Begin to answer."""
        self._app = app
        self._thread.start()

    def asked(self, path: str) -> list[Seen]:
        """The requests for a path."""
        return [request for request in self.requests if request.path == path]

    def close(self) -> None:
        """End it: nothing listens any more."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if not self._ended.is_set():
            self.close()

    def _watched(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        request = Request({**environ, "wsgi.input": BytesIO(body)})
        self.requests.append(Seen(request.method, request.path, request.args.to_dict(), request.form.to_dict()))
        if request.path in self.hanging:
            self._ended.wait()
        assert self._app is not None
        app = InternalServerError() if request.path in self.broken else self._app
        return app(environ, start_response)
