"""What clients read results with."""
import base64
import hmac
from dataclasses import dataclass, field

MIN_SECRET_BYTES = 16


@dataclass(frozen=True)
class Credentials:
    """What a client may be told to read results with."""

    access_key: str
    secret_key: str = field(repr=False)


def derived_credentials(secret: bytes, bucket: str) -> Credentials:
    """The credentials of one bucket, of which those of another one tell nothing.

    The access key has 20 characters (A-Z, 2-7), the secret key 40 (A-Z, a-z, 0-9, `-`, `_`).
    """
    access_key = base64.b32encode(_derive(secret, "access key", bucket))[:20]
    secret_key = base64.urlsafe_b64encode(_derive(secret, "secret key", bucket)[:30])
    return Credentials(access_key.decode(), secret_key.decode())


def _derive(secret: bytes, purpose: str, bucket: str) -> bytes:
    label = f"servicex object store, {purpose}, {bucket}"
    return hmac.digest(secret, label.encode(), "sha256")
