"""Asking an S3 store by boto3: how to reach it, and what its refusals mean."""
import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from servicex.backends.object_store.base import NoSuchBucket, NoSuchKey
from servicex.errors import Unavailable

CONNECTIONS = 64


@dataclass(frozen=True)
class S3Endpoint:
    """Where the store is (`address` is host:port, `secure` means TLS) and what the server signs with."""

    address: str
    secure: bool
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"{'https' if self.secure else 'http'}://{self.address}"


class StoreAnswered(Unavailable):
    """Raised when the store refuses what was asked of it. `code` is S3's name for why."""

    def __init__(self, code: str):
        super().__init__(f"The object store does not do what it was asked to ({code}).")
        self.code = code


def make_client(endpoint: S3Endpoint, connect_seconds: float, read_seconds: float, attempts: int) -> Any:
    """A boto3 client, which any thread may use."""
    config = Config(
        signature_version="s3v4", s3={"addressing_style": "path"}, max_pool_connections=CONNECTIONS,
        connect_timeout=connect_seconds, read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        # Newer checksums than S3's first ones are not known to every store.
        request_checksum_calculation="when_required", response_checksum_validation="when_required")
    # A session of its own: boto3's common one is not safe with threads.
    client = boto3.session.Session().client(
        "s3", endpoint_url=endpoint.url, region_name=endpoint.region, aws_access_key_id=endpoint.access_key,
        aws_secret_access_key=endpoint.secret_key, config=config)
    client.meta.events.register("before-sign.s3.DeleteObjects", _add_md5)
    return client


@contextmanager
def asking() -> Iterator[None]:
    """Tell what comes of asking the store in our own terms.

    Raises `NoSuchBucket`, `NoSuchKey` (also where only "not found" was said), `StoreAnswered` or `Unavailable`.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning(error.response.get("Error", {}).get("Code", "")) from error
    except BotoCoreError as error:
        raise Unavailable("The object store does not answer just now.") from error


def _meaning(code: str) -> Exception:
    if code == "NoSuchBucket":
        return NoSuchBucket("There is no such bucket.")
    if code in ("NoSuchKey", "404"):
        return NoSuchKey("There is no such object.")
    return StoreAnswered(code)


def _add_md5(request: Any, **_: Any) -> None:
    """Sum up the list of what to delete in the old way too: older stores take it in no other."""
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    request.headers["Content-MD5"] = base64.b64encode(digest).decode()
