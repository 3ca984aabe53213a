"""Capabilities: what a URL carries so that whoever was handed it may call back, about one thing and nothing else."""
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Literal

Kind = Literal["transform", "dataset"]
# Of the signature this many bytes are kept: 144 bits, 24 characters without padding.
SIGNATURE_BYTES = 18


class Capabilities:
    """Makes and checks tokens. The first key signs; the others are older ones whose tokens still hold.

    A token has no end of its own: what it opens is a row, and once that has ended nothing that is said about it changes
    anything. See doc/decisions/capability-urls.md.
    """

    def __init__(self, keys: Sequence[bytes]):
        if not keys:
            raise ValueError("at least one key is needed")
        self._keys = keys

    def token(self, kind: Kind, subject: str) -> str:
        """The token for one transform (by its request id) or one dataset (by its id), fit to stand in a URL."""
        return _signature(self._keys[0], kind, subject)

    def allows(self, token: str, kind: Kind, subject: str) -> bool:
        """Whether the token was made for just that, with any of the keys."""
        given = token.encode("utf-8", "replace")
        # No early end: the time taken tells nothing of which key fitted.
        return any([hmac.compare_digest(given, _signature(key, kind, subject).encode()) for key in self._keys])


def capability_keys(secrets: Sequence[str]) -> list[bytes]:
    """A key of their own for the tokens from each secret of the server, in the same order."""
    return [hmac.digest(secret.encode(), b"servicex capability", "sha256") for secret in secrets]


def _signature(key: bytes, kind: Kind, subject: str) -> str:
    message = f"{kind}:{subject}".encode("utf-8", "replace")
    return urlsafe_b64encode(hmac.digest(key, message, "sha256")[:SIGNATURE_BYTES]).decode()
