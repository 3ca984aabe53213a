"""Ways of asking the door: over a real server, straight through WSGI, and signed by botocore."""
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit
from wsgiref.types import WSGIApplication

import boto3
import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from waitress import wasyncore
from waitress.server import create_server

from servicex.backends.object_store.base import Credentials, ObjectStore
from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door

SECRET = b"only for these tests, not in use"
BUCKET = "1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
OTHER_BUCKET = "9b4e28ba-2fa1-4d2b-883f-0016d3cca428"
both_kinds = pytest.mark.parametrize("store_kind", ["local", "s3"])
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
HOST = "results.example.org:5000"
ODD_KEYS = ["plain.root", "a b.root", "a,b.root", "root:::site.org::data:x.root", "100%.root", "%41.root", "a+b.root",
            "größe-数.parquet", "a~b.root", "it's.root", "f(1).root", "a&b=c?d#e.root", "semi;colon@$!*.root",
            "<tag>\"quoted\".root", "back\\slash", "x" * 255, "[1]{2}|^`"]


@dataclass
class Reply:
    """What the door answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def fill(store: ObjectStore, key: str, content: bytes = b"0123456789", bucket: str = BUCKET) -> None:
    """Put an object with this content."""
    store.create(bucket)
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(content)
    store.put(bucket, key, Path(file.name))


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """A real waitress on a free port."""
    sockets: dict[int, Any] = {}
    server: Any = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(lambda: wasyncore.close_all(sockets))
        thread.join(10)


def ask(app: WSGIApplication, url: str, headers: Mapping[str, str] = NO_HEADERS, method: str = "GET") -> Reply:
    """The answer to a request whose target is taken from the URL as it stands, without a server."""
    parts = urlsplit(url)
    target = url[url.index("/", 8):] if "://" in url else url
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "REQUEST_URI": target, "PATH_INFO": "/not to be used",
                               "QUERY_STRING": "", "HTTP_HOST": parts.netloc or HOST}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    started: list[Any] = []
    chunks = app(environ, lambda status, headers, exc_info=None: started.extend((status, headers)))  # type: ignore
    body = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    return Reply(int(started[0][:3]), dict(started[1]), body)


def signed(way: str, target: str, credentials: Credentials, headers: Mapping[str, str] = NO_HEADERS,
           method: str = "GET", region: str = "us-east-1", expires: int = 3600) -> AWSRequest:
    """A request signed by botocore's own signer: `v4`, `v4-query`, `v2` or `v2-query`."""
    request = AWSRequest(method, f"http://{HOST}{target}", headers={"Host": HOST, **headers})
    keys = BotoCredentials(credentials.access_key, credentials.secret_key)
    signers: dict[str, Any] = {
        "v4": lambda: S3SigV4Auth(keys, "s3", region),
        "v4-query": lambda: S3SigV4QueryAuth(keys, "s3", region, expires=expires),
        "v2": lambda: HmacV1Auth(keys),
        "v2-query": lambda: HmacV1QueryAuth(keys, expires=expires)}
    signers[way]().add_auth(request)
    return request


def ask_signed(app: WSGIApplication, way: str, target: str, credentials: Credentials, **options: Any) -> Reply:
    """The answer to a request that botocore has signed."""
    request = signed(way, target, credentials, **options)
    return ask(app, request.url, dict(request.headers.items()), request.method)


def client(url: str, credentials: Credentials, **options: Any) -> Any:
    """An S3 client as users make it, without retries."""
    config = Config(retries={"max_attempts": 0}, signature_version=options.pop("signature_version", None))
    return boto3.client("s3", endpoint_url=url, aws_access_key_id=credentials.access_key,
                        aws_secret_access_key=credentials.secret_key, config=config, **options)


def code(reply: Reply) -> tuple[int, str]:
    """Status and S3's name of an error."""
    text = reply.body.decode()
    return reply.status, text[text.index("<Code>") + 6:text.index("</Code>")]


def target(key: str, query: str = "") -> str:
    """The target of an object, encoded as botocore does."""
    return f"/{BUCKET}/{quote(key, safe='~')}{query}"


def read(store: ObjectStore, door: S3Door, query: str = "", **options: Any) -> Reply:
    """The answer to a signed request for the object `a`."""
    return ask_signed(door, "v4", target("a", query), store.credentials(BUCKET), **options)


def keys_of(answer: dict[str, Any]) -> list[str]:
    """The keys in boto3's answer to a listing."""
    return [one["Key"] for one in answer.get("Contents", [])]


def odd_keys(store: ObjectStore) -> list[str]:
    """The odd keys that the store can take: nanio decodes twice what it is asked for, and appends to file names."""
    return ODD_KEYS if isinstance(store, LocalObjectStore) else [
        key for key in ODD_KEYS if "%" not in key and len(key) < 200]


def size(store: ObjectStore, bucket: str, key: str) -> int | None:
    """The size of an object in bytes, None if it is not there, as the listing of its bucket has it."""
    return next((found.size for found in store.objects(bucket) if found.key == key), None)
