"""Tokens and the public keys that prove who signed them (RFC 7515, 7517, 7519)."""
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyCurveError, JoseError, KeyParameterError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from servicex.backends.identity.base import TokenRefused
from servicex.backends.identity.claims import one_line

# Only those by which who checks a token cannot make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
MOST_KEYS = 50

PublicKey = RSAKey | ECKey
KINDS: Mapping[Any, type[PublicKey]] = {"RSA": RSAKey, "EC": ECKey}
# What parsers raise of text that is no token; of JSON that is nested too deeply it is the last one.
UNREADABLE = (JoseError, ValueError, RecursionError)


class _Registry(JWSRegistry):
    # Some send the chain of their certificates along.
    max_header_length = 16 * 1024


REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def usable_keys(documents: Iterable[Mapping[str, Any]]) -> tuple[PublicKey, ...]:
    """The keys that are for signatures of a kind taken here; the others are left alone (RFC 7517, 5)."""
    keys: list[PublicKey] = []
    for document in islice(documents, MOST_KEYS):
        with suppress(KeyError, JoseError, ValueError, TypeError):
            if document.get("use", "sig") == "sig":
                keys.append(KINDS[document["kty"]].import_key(dict(document)))
    return tuple(keys)


def signed_by_one_of(keys: Iterable[PublicKey], token: str) -> jwt.Token | None:
    """The token if one of the keys has signed it. Raises TokenRefused if it is none that could be taken."""
    try:
        kid = extract_compact(token.encode(), registry=REGISTRY).headers().get("kid")
        fitting = (key for key in keys if kid is None or key.kid in (None, kid))
        return next((signed for key in fitting if (signed := _signed_by(key, token))), None)
    except UNREADABLE as error:
        raise TokenRefused(f"The token cannot be read: {words(error)}") from error


def claimed_issuer(token: str) -> str:
    """Which issuer a token says that it is of; nothing of that was checked. Empty if it does not say."""
    try:
        claims = json.loads(extract_compact(token.encode(), registry=REGISTRY).payload)
    except UNREADABLE:
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else ""


def words(error: Exception) -> str:
    """What an error says, on one line that is not too long."""
    return one_line(str(error), 300) or type(error).__name__


def _signed_by(key: PublicKey, token: str) -> jwt.Token | None:
    try:
        return jwt.decode(token, key, registry=REGISTRY)
    except (BadSignatureError, InvalidKeyCurveError, KeyParameterError):
        return None
