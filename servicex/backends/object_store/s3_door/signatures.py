"""Who signed a request: every request to the door must be signed with the credentials of its bucket."""
import hmac

from servicex.backends.object_store.base import Credentials
from servicex.backends.object_store.s3_door import sigv2, sigv4
from servicex.backends.object_store.s3_door.faults import (access_denied, bad_request, unknown_access_key,
                                                           wrong_signature)
from servicex.backends.object_store.s3_door.request import S3Request


def authenticate(request: S3Request, credentials: Credentials, now: float) -> None:
    """Return if the request is signed with these credentials and valid at `now` (seconds since 1970).

    Raises `S3Fault` otherwise. The time is looked at last, so that it is only told to whom the signature belongs.
    """
    claim = _read_claim(request)
    if not _equal(claim.access_key, credentials.access_key):
        raise unknown_access_key()
    texts = claim.texts_to_sign(request)
    signatures = [claim.sign(text, credentials.secret_key) for text in texts]
    if not any([_equal(claim.signature, signature) for signature in signatures]):
        raise wrong_signature()
    claim.check_time(now)


def _read_claim(request: S3Request) -> sigv4.Claim | sigv2.Claim:
    authorization = request.headers.get("authorization")
    in_query = sorted({"X-Amz-Signature", "Signature"} & request.parameters.keys())
    if len(in_query) + (authorization is not None) > 1:
        raise bad_request("InvalidArgument", "Sign in one way only: by a header or by query parameters.")
    if authorization is not None:
        return _read_authorization(request, authorization)
    if in_query == ["X-Amz-Signature"]:
        return sigv4.read_query(request)
    if in_query == ["Signature"]:
        return sigv2.read_query(request)
    raise access_denied()


def _read_authorization(request: S3Request, authorization: str) -> sigv4.Claim | sigv2.Claim:
    scheme, _, rest = authorization.partition(" ")
    if scheme == sigv4.ALGORITHM:
        return sigv4.read_header(request, rest)
    if scheme == "AWS":
        return sigv2.read_header(request, rest)
    raise bad_request("InvalidArgument", "This authorization type is not supported; sign as for S3.")


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
