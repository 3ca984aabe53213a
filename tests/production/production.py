"""The production server of these tests, and what they ask of it."""
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from minio import Minio

from tests.did_finder_library.conftest import scheme_of
from tests.facility import BIN, Facility
from tests.running_server import answers, free_port

# The version of the finders' library, and the code generator that is a service and does what its selection says.
FINDER = "3.2.0"
SCHEME = scheme_of(FINDER)
GENERATOR = "obedient"
SECONDS = 60.0

Record = dict[str, Any]


class Production(Facility):
    """A facility with transformers for every transform; `urls` are files that they can read."""

    def __init__(self, folder: Path, settings: Mapping[str, str], urls: Sequence[str]):
        super().__init__(folder, settings)
        self.urls = list(urls)

    def __enter__(self) -> "Production":
        super().__enter__()
        self.transformers.append(self.run("transformers", [sys.executable, "-m", "tests.production.transformers"]))
        return self

    def post(self, selection: str, destination: str = "object-store", **dataset: Any) -> requests.Response:
        """Submit a selection for the generator that is a service, on a `did` or a `file-list`."""
        return requests.post(f"{self.address}/servicex/transformation", timeout=SECONDS, json={
            "selection": selection, "codegen": GENERATOR, "result-format": "root-file",
            "result-destination": destination, **{name.replace("_", "-"): value for name, value in dataset.items()}})

    def accepted(self, selection: str, destination: str = "object-store", **dataset: Any) -> str:
        """The same; gives the request id."""
        answer = self.post(selection, destination, **dataset)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def get(self, path: str) -> Any:
        """What a route answers."""
        answer = requests.get(f"{self.address}/servicex/{path}", timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def record(self, request_id: str) -> Record:
        """A transform as clients see it."""
        record: Record = self.get(f"transformation/{request_id}")
        return record

    def titled(self, title: str) -> Record:
        """The newest transform of a title."""
        return self.record([r for r in self.get("transformation")["requests"] if r["title"] == title][-1]["request_id"])

    def ended(self, request_id: str) -> Record:
        """A transform when it has ended."""
        eventually(lambda: self.record(request_id)["finish-time"] != "None")
        return self.record(request_id)

    def delete(self, request_id: str) -> None:
        """Delete a transform."""
        requests.delete(f"{self.address}/servicex/transformation/{request_id}", timeout=SECONDS).raise_for_status()

    def has_bucket(self, request_id: str) -> bool:
        """Whether the store has a bucket for a transform."""
        keys = self.store.keys
        return bool(Minio(self.store.address, keys.access_key, keys.secret_key, secure=False).bucket_exists(request_id))

    def with_shared_keys(self) -> "SharedKeysServer":
        """Another process of the API, which has clients read at the store."""
        return SharedKeysServer(self)


class SharedKeysServer:
    """An API process with SHARED_READ_ONLY_S3_KEYS, its `keys`, on the database of a facility. A context manager."""

    def __init__(self, facility: Facility):
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.keys = facility.store.reader_keys
        self._process = facility.run(
            "shared-keys", [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--threads", "4", "servicex.app:app"],
            MINIO_PUBLIC_URL=facility.store.address,
            SHARED_READ_ONLY_S3_KEYS=f"{self.keys.access_key}:{self.keys.secret_key}")

    def __enter__(self) -> "SharedKeysServer":
        eventually(lambda: answers(self.address))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()


def eventually(condition: Callable[[], Any], seconds: float = SECONDS) -> None:
    """Return when the condition holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(0.1)
