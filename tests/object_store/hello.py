"""Programs for servers: the application behind the door, and the door before a store named in the environment."""
import os
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3 import S3ObjectStore
from servicex.backends.object_store.s3_client import S3Endpoint
from servicex.backends.object_store.s3_door import S3Door


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Says that the request was not the door's, and for which path."""
    body = b"app " + environ["PATH_INFO"].encode("latin-1")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def make_door() -> S3Door:
    """The door before the S3 store at S3_ADDRESS, if that is set, else before the folder ROOT."""
    given, secret = os.environ, os.environ["SECRET"].encode()
    if "S3_ADDRESS" in given:
        endpoint = S3Endpoint(given["S3_ADDRESS"], False, given["S3_ACCESS_KEY"], given["S3_SECRET_KEY"])
        return S3Door(hello, S3ObjectStore(endpoint, secret))
    return S3Door(hello, LocalObjectStore(Path(given["ROOT"]), secret))


if __name__ == "__main__":
    from waitress.server import create_server

    from servicex.listening import MOST_UNSENT

    server = create_server(make_door(), host="127.0.0.1", port=0, outbuf_high_watermark=MOST_UNSENT)
    print(server.effective_port, flush=True)
    server.run()
