"""Debian's `docker-registry` on a port of its own, and as much of `docker push` as puts an image into it."""
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.running_server import free_port

SECONDS_TO_START = 60.0
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@contextmanager
def running_registry(folder: Path) -> Iterator[str]:
    """The host:port of an empty registry that keeps its images in memory."""
    address = f"127.0.0.1:{free_port()}"
    configuration = folder / "config.yml"
    configuration.write_text(json.dumps({"version": 0.1, "storage": {"inmemory": {}}, "http": {"addr": address}}))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", configuration], stdout=log, stderr=log)
    try:
        _wait(process, address, folder / "log")
        yield address
    finally:
        process.kill()
        process.wait()


def push(address: str, repository: str, tag: str) -> str:
    """Put an image without layers into the registry; gives its digest."""
    base = f"http://{address}/v2/{repository}"
    upload = requests.post(f"{base}/blobs/uploads/", timeout=10).headers["Location"]
    config = b"{}"
    requests.put(upload, params={"digest": _digest(config)}, data=config, timeout=10).raise_for_status()
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config),
                   "digest": _digest(config)}}).encode()
    requests.put(f"{base}/manifests/{tag}", data=manifest, headers={"Content-Type": MANIFEST},
                 timeout=10).raise_for_status()
    return _digest(manifest)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _wait(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        try:
            requests.get(f"http://{address}/v2/", timeout=5).raise_for_status()
            return
        except requests.RequestException:
            time.sleep(0.05)
