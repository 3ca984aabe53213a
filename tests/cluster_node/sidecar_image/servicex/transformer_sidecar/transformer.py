"""A sidecar with the options, the protocol and the manners of the existing one (contract: queue, reports, names)."""
import argparse
import io
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pika
import requests
from minio import Minio

HERE = Path(__file__).resolve().parent.parent
PORT = 8081


class Science:
    """The science container, which asks for files over a socket."""

    def __init__(self, connection: socket.socket, folder: Path):
        self._stream = connection.makefile("rw", encoding="utf-8")
        self._folder = folder

    def transform(self, work: dict[str, Any], path: str) -> Path | None:
        """Have a replica transformed; gives the result, None if there is none."""
        name = path.replace("/", ":") + (".parquet" if work["result_format"] == "parquet" else "")
        assert self._stream.readline() == "GeT\n"
        self._say(json.dumps({"file-id": work["file_id"], "request-id": work["request_id"], "file-path": path,
                              "downloadPath": path, "safeOutputFileName": name, "status": "", "error": "",
                              "result-format": work["result_format"]}))
        outcome = self._stream.readline()
        if not outcome:
            sys.exit(0)
        self._say("confirmed.")
        return self._folder / name if outcome == "success.\n" else None

    def _say(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class Sidecar:
    """Takes files from the queue, has them transformed, stores and reports them."""

    def __init__(self, options: argparse.Namespace, science: Science):
        self._options = options
        self._science = science
        self._store = None
        if options.result_destination == "object-store":
            self._store = Minio(os.environ["MINIO_URL"], os.environ["MINIO_ACCESS_KEY"], os.environ["MINIO_SECRET_KEY"],
                                secure=os.environ["MINIO_ENCRYPT"] == "True")

    def serve(self) -> None:
        """Work until the queue is deleted."""
        queue = f"transformer-{self._options.request_id}"
        connection = pika.BlockingConnection(pika.URLParameters(self._options.rabbit_uri))
        channel = connection.channel()
        channel.queue_declare(queue, durable=False, auto_delete=True)
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(queue, self._take)
        print(f"serving {queue}", flush=True)
        channel.start_consuming()

    def _take(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        _, work, _ = json.loads(body)
        self._work(work)
        channel.basic_ack(method.delivery_tag)

    def _work(self, work: dict[str, Any]) -> None:
        for path in work["paths"]:
            result = self._science.transform(work, path)
            if result is not None:
                self._keep(result)
                return self._report(work, path, "success")
        self._report(work, work["paths"][0], "failure")

    def _keep(self, result: Path) -> None:
        if self._store is None:
            Path(self._options.output_dir).mkdir(parents=True, exist_ok=True)
            shutil.move(result, Path(self._options.output_dir) / result.name)
            return
        content = result.read_bytes()
        self._store.put_object(self._options.request_id, result.name, io.BytesIO(content), len(content))

    def _report(self, work: dict[str, Any], path: str, status: str) -> None:
        requests.put(work["service_endpoint"] + "/file-complete", timeout=(0.5, 60), json={
            "requestId": work["request_id"], "file-path": path, "file-id": work["file_id"], "status": status,
            "total-time": 1.0, "total-events": 0, "total-bytes": 0, "avg-rate": 0.0,
            "place": {"host_name": os.environ["HOST_NAME"], "site": "unknown"}})


def main() -> None:
    """Wait for the science container, then serve."""
    parser = argparse.ArgumentParser()
    for name in ("--shared-dir", "--request-id", "--rabbit-uri", "--output-dir"):
        parser.add_argument(name)
    parser.add_argument("--result-destination", choices=["object-store", "output-dir", "volume"])
    parser.add_argument("--result-format", choices=["arrow", "parquet", "root-file"])
    options = parser.parse_args()
    shared = Path(options.shared_dir)
    shutil.copytree(HERE / "scripts", shared / "scripts", dirs_exist_ok=True)
    while not (shared / "transformer_capabilities.json").exists():
        time.sleep(0.2)
    listener = socket.create_server(("localhost", PORT), reuse_port=False)
    connection, _ = listener.accept()
    folder = shared / options.request_id
    folder.mkdir(parents=True, exist_ok=True)
    Sidecar(options, Science(connection, folder)).serve()


if __name__ == "__main__":
    main()
