"""A server whose DID finders are behind RabbitMQ and call back by HTTP; its transformers are elsewhere."""
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from flask_migrate import upgrade
from werkzeug.serving import make_server

from servicex import create_app
from servicex.settings import load
from tests.running_server import free_port

SELECTION = ("(call Select (call EventDataset 'bogus.root' 'mini') "
             "(lambda (list e) (dict (list 'pt') (list (subscript e 'pt')))))")
SECONDS = 60.0


class AskingServer:
    """The server, running. `calls` counts what finders called, by the last two parts of the path: `7/files`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: Counter[str] = Counter()

    def submit(self, did: str) -> requests.Response:
        """Ask for a transform of a dataset."""
        return requests.post(f"{self.url}/servicex/transformation", timeout=SECONDS, json={
            "did": did, "selection": SELECTION, "codegen": "uproot", "result-destination": "object-store",
            "result-format": "root-file"})

    def submitted(self, did: str) -> str:
        """Ask for a transform; gives its id."""
        answer = self.submit(did)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def transform(self, request_id: str) -> dict[str, Any]:
        """A transform as it is now."""
        return self._get(f"transformation/{request_id}")

    def dataset(self, request_id: str) -> dict[str, Any]:
        """The dataset of a transform, with its files."""
        return self._get(f"datasets/{self.transform(request_id)['did_id']}")

    def wait(self, request_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The transform once a condition holds."""
        end = time.monotonic() + SECONDS
        while not until(transform := self.transform(request_id)):
            assert time.monotonic() < end, transform
            time.sleep(0.05)
        return transform

    def _get(self, path: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/servicex/{path}", timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def counting(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """The app, with the calls of finders counted."""
        def counted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] == "PUT":
                self.calls["/".join(environ["PATH_INFO"].split("/")[-2:])] += 1
            return app(environ, start_response)
        return counted


@contextmanager
def asking_server(folder: Path, rabbitmq_url: str, schemes: Iterable[str], **options: Any) -> Iterator[AskingServer]:
    """The server on a free port, with its controller; `options` are settings."""
    port = free_port()
    app = create_app(load(DATA_DIRECTORY=folder, ADVERTISED_HOSTNAME=f"127.0.0.1:{port}", RABBIT_MQ_URL=rabbitmq_url,
                          VALID_DID_SCHEMES=list(schemes), BUILTIN_SCIENCE_IMAGES={"uproot": "science:1"},
                          TRANSFORMER_VALIDATE_DOCKER_IMAGE=False, CONTROLLER_SECONDS=0.2, **options))
    with app.app_context():
        upgrade()
    server = AskingServer(f"http://127.0.0.1:{port}")
    http = make_server("127.0.0.1", port, server.counting(app.wsgi_app), threaded=True)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    app.extensions["servicex"].start_alone()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join(10)
        http.server_close()
        app.extensions["servicex"].close()
