"""Signature version 2, by header or by query.

As in "Signing and authenticating REST requests" of the Amazon S3 user guide. Old, but what botocore makes links with
when no region is set, and so what our clients hand out. It signs neither the host nor the range.
"""
import base64
import hmac
import re
from dataclasses import dataclass

from servicex.backends.object_store.s3_door import times
from servicex.backends.object_store.s3_door.faults import access_denied, skewed_time
from servicex.backends.object_store.s3_door.request import S3Request

# The parameters that belong to the resource. S3 has more, which the door refuses whoever signed them.
SIGNED_PARAMETERS = frozenset((
    "location", "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires"))

_EXPIRES = re.compile("[0-9]{1,12}")


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature.

    `date` is the line of the string to sign, `signed_at` when it was signed or `expires_at` when it ends, in seconds
    since 1970: the one for a header, the other for a link.
    """

    access_key: str
    signature: str
    date: str
    signed_at: float | None = None
    expires_at: int | None = None

    def texts_to_sign(self, request: S3Request) -> list[str]:
        """The strings to sign, one for each spelling of the path."""
        headers = request.headers
        lines = (request.method, headers.get("content-md5", ""), headers.get("content-type", ""), self.date)
        start = "\n".join(lines) + "\n" + _amz_headers(request)
        return [start + path + _resource_query(request) for path in _resources(request)]

    def sign(self, text: str, secret_key: str) -> str:
        """The signature of such a string, in base 64."""
        return base64.b64encode(hmac.digest(secret_key.encode(), text.encode("latin-1"), "sha1")).decode()

    def check_time(self, now: float) -> None:
        """Raise `S3Fault` (403) if the request is too old or from the future."""
        if self.signed_at is not None and abs(now - self.signed_at) > times.MAX_SKEW:
            raise skewed_time()
        if self.expires_at is not None and now > self.expires_at:
            raise access_denied("Request has expired")


def read_header(request: S3Request, fields: str) -> Claim:
    """The claim in an Authorization header, of which `fields` is `<access key>:<signature>`. Raises `S3Fault`."""
    access_key, _, signature = fields.strip().partition(":")
    amz_date, date = request.headers.get("x-amz-date"), request.headers.get("date", "")
    signed_at = times.from_either(amz_date or date)
    if signed_at is None:
        raise access_denied("A signed request needs a valid x-amz-date or Date header.")
    # With x-amz-date among the headers that are signed anyway, the line of the date stays empty.
    return Claim(access_key, signature, "" if amz_date else date, signed_at=signed_at)


def read_query(request: S3Request) -> Claim:
    """The claim in the query parameters of a presigned link. Raises `S3Fault`."""
    given = request.parameters
    expires = given.get("Expires", "")
    if not _EXPIRES.fullmatch(expires):
        raise access_denied("Query-string authentication needs Expires, in seconds since 1970.")
    return Claim(given.get("AWSAccessKeyId", ""), given["Signature"], expires, expires_at=int(expires))


def _resources(request: S3Request) -> tuple[str, ...]:
    # A bucket's own resource ends with a slash, also where the path that was sent does not.
    bucket = () if request.key else (f"/{request.bucket}/",)
    return request.spellings() + bucket


def _amz_headers(request: S3Request) -> str:
    names = sorted(name for name in request.headers if name.startswith("x-amz-"))
    return "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)


def _resource_query(request: S3Request) -> str:
    names = sorted(SIGNED_PARAMETERS & request.parameters.keys())
    pairs = (name if name in request.bare else f"{name}={request.parameters[name]}" for name in names)
    # The rest of the text is bytes in the guise of Latin-1, so the decoded values have to be put into it too.
    return "?" + "&".join(pairs).encode().decode("latin-1") if names else ""
