"""A server whose DID finders are behind RabbitMQ and call back by HTTP; its transformers are elsewhere."""
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from flask_migrate import upgrade
from werkzeug.serving import make_server

from servicex import create_app, wiring
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from servicex.backends.did_finder.queue import QueueDidFinder
from servicex.backends.launcher.elsewhere import TransformersElsewhere
from servicex.controller.loop import Controller
from servicex.controller.steps import Limits, TransformSteps
from servicex.services.control import ControlService
from servicex.settings import Settings, load
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
def asking_server(folder: Path, rabbitmq_url: str, schemes: Iterable[str], lookup_seconds: float = 60.0,
                  attempts: int = 1) -> Iterator[AskingServer]:
    """The server on a free port, with its controller."""
    host = f"127.0.0.1:{free_port()}"
    settings = load(DATA_DIRECTORY=folder, ADVERTISED_HOSTNAME=host, LOOKUP_ATTEMPTS=attempts)
    app = create_app(settings)
    with app.app_context():
        upgrade()
    server = AskingServer(f"http://{host}")
    broker = RabbitMqBroker(rabbitmq_url, seconds=30.0)
    app.extensions["servicex"].datasets.add_finder(QueueDidFinder(schemes, broker.publish_lookup, _endpoint(settings)))
    controller = _controller(app, broker, lookup_seconds, attempts)
    http = make_server("127.0.0.1", int(host.split(":")[1]), server.counting(app.wsgi_app), threaded=True)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    controller.start()
    try:
        yield server
    finally:
        controller.close()
        http.shutdown()
        thread.join(10)
        http.server_close()
        app.extensions["servicex"].close()
        broker.close()


def _endpoint(settings: Settings) -> Callable[[int], str]:
    tokens = wiring.capabilities(settings)
    return lambda dataset_id: (f"http://{settings.ADVERTISED_HOSTNAME}/servicex/internal/"
                               f"{tokens.token('dataset', str(dataset_id))}/transformation/")


def _controller(app: Flask, broker: RabbitMqBroker, lookup_seconds: float, attempts: int) -> Controller:
    parts = app.extensions["servicex"]
    control = ControlService(parts.transactions)
    limits = Limits(workers=1, publish_chunk=1000, publish_ahead=10_000, stall_seconds=600, stall_rounds=3,
                    transform_seconds=3600)
    steps = TransformSteps(control, parts.results, broker, TransformersElsewhere(), parts.store,
                           lambda request_id: "http://nowhere.invalid", limits)
    return Controller(control, parts.datasets, parts.results, steps, parts.wakeup, 0.2, lookup_seconds, attempts)
