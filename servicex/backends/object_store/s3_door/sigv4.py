"""Signature version 4, by header or by query, for the service `s3` and any region.

As in "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API reference. Unlike other services, S3
encodes the path once and does not normalise it.
"""
import hashlib
import hmac
import re
from dataclasses import dataclass

from servicex.backends.object_store.s3_door import times
from servicex.backends.object_store.s3_door.faults import access_denied, bad_request, skewed_time
from servicex.backends.object_store.s3_door.request import S3Request, encoded

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_PAYLOAD = hashlib.sha256(b"").hexdigest()

_LIFETIME = re.compile("[0-9]{1,9}")  # seconds; S3 allows a week, our clients make links for a year
_SIGNED_HEADERS = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+(;[!#$%&'*+.^_`|~0-9a-z-]+){0,63}")


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature. `lifetime` is in seconds, None if the request was signed by a header."""

    access_key: str
    date: str
    region: str
    stamp: str
    signed_headers: str
    signature: str
    payload: str
    lifetime: int | None

    def texts_to_sign(self, request: S3Request) -> list[str]:
        """The strings to sign, one for each spelling of the path."""
        return [self._text_to_sign(request, path) for path in request.spellings()]

    def sign(self, text: str, secret_key: str) -> str:
        """The signature of such a string, in hexadecimal digits."""
        key = f"AWS4{secret_key}".encode()
        for part in (self.date, self.region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def check_time(self, now: float) -> None:
        """Raise `S3Fault` (403) if the request is too old or from the future."""
        signed_at = times.from_stamp(self.stamp) or 0.0
        if self.lifetime is None and abs(now - signed_at) > times.MAX_SKEW:
            raise skewed_time()
        if signed_at - now > times.MAX_SKEW:
            raise access_denied("Request is not yet valid")
        if self.lifetime is not None and now > signed_at + self.lifetime:
            raise access_denied("Request has expired")

    def _text_to_sign(self, request: S3Request, path: str) -> str:
        canonical = hashlib.sha256(self._canonical_request(request, path).encode("latin-1")).hexdigest()
        return "\n".join((ALGORITHM, self.stamp, f"{self.date}/{self.region}/s3/aws4_request", canonical))

    def _canonical_request(self, request: S3Request, path: str) -> str:
        headers = [f"{name}:{_trimmed(request.headers.get(name, ''))}\n" for name in self.signed_headers.split(";")]
        return "\n".join((request.method, path, _canonical_query(request), "".join(headers), self.signed_headers,
                          self.payload))


def read_header(request: S3Request, fields: str) -> Claim:
    """The claim in an Authorization header, of which `fields` is what follows the algorithm. Raises `S3Fault`."""
    given = {name.strip(): value.strip() for name, _, value in (field.partition("=") for field in fields.split(","))}
    try:
        credential, signed_headers, signature = given["Credential"], given["SignedHeaders"], given["Signature"]
    except KeyError as error:
        raise bad_request("AuthorizationHeaderMalformed", f"The Authorization header lacks {error}.") from error
    stamp = _stamp_of_headers(request)
    access_key, date, region = _read_credential(credential, stamp, "AuthorizationHeaderMalformed")
    _check_signed_headers(request, signed_headers, "AuthorizationHeaderMalformed")
    return Claim(access_key, date, region, stamp, signed_headers, signature, _payload(request), None)


def read_query(request: S3Request) -> Claim:
    """The claim in the query parameters of a presigned link. Raises `S3Fault`."""
    fault = "AuthorizationQueryParametersError"
    given = request.parameters
    algorithm, stamp, lifetime = (given.get(f"X-Amz-{name}", "") for name in ("Algorithm", "Date", "Expires"))
    if algorithm != ALGORITHM:
        raise bad_request(fault, f"X-Amz-Algorithm must be {ALGORITHM}.")
    if times.from_stamp(stamp) is None:
        raise bad_request(fault, "X-Amz-Date must be in the form yyyyMMddTHHmmssZ.")
    if not _LIFETIME.fullmatch(lifetime):
        raise bad_request(fault, "X-Amz-Expires must be a number of seconds.")
    access_key, date, region = _read_credential(given.get("X-Amz-Credential", ""), stamp, fault)
    signed_headers = given.get("X-Amz-SignedHeaders", "")
    _check_signed_headers(request, signed_headers, fault)
    return Claim(access_key, date, region, stamp, signed_headers, given["X-Amz-Signature"], UNSIGNED_PAYLOAD,
                 int(lifetime))


def _stamp_of_headers(request: S3Request) -> str:
    time = times.from_either(request.headers.get("x-amz-date") or request.headers.get("date", ""))
    if time is None:
        raise access_denied("A signed request needs a valid x-amz-date or Date header.")
    return times.to_stamp(time)


def _read_credential(credential: str, stamp: str, fault: str) -> tuple[str, str, str]:
    """Access key, date and region of `<access key>/<date>/<region>/s3/aws4_request`."""
    parts = credential.split("/")
    if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"]:
        raise bad_request(fault, "The credential must be <access key>/<yyyyMMdd>/<region>/s3/aws4_request.")
    if parts[1] != stamp[:8]:
        raise bad_request(fault, "The date of the credential is not the date of the request.")
    return parts[0], parts[1], parts[2]


def _check_signed_headers(request: S3Request, signed_headers: str, fault: str) -> None:
    if not _SIGNED_HEADERS.fullmatch(signed_headers):
        raise bad_request(fault, "The signed headers must be a list of names in lower case, separated by semicolons.")
    signed = set(signed_headers.split(";"))
    if "host" not in signed:
        raise bad_request(fault, "The host header must be signed.")
    if any(name.startswith("x-amz-") and name not in signed for name in request.headers):
        raise access_denied("There were headers present in the request which were not signed")


def _payload(request: S3Request) -> str:
    payload = request.headers.get("x-amz-content-sha256")
    if payload is None:
        raise bad_request("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if payload not in (UNSIGNED_PAYLOAD, EMPTY_PAYLOAD):
        raise bad_request("XAmzContentSHA256Mismatch", "x-amz-content-sha256 is not that of an empty body.")
    return payload


def _canonical_query(request: S3Request) -> str:
    pairs = sorted((encoded(name), encoded(value)) for name, value in request.parameters.items()
                   if name != "X-Amz-Signature")
    return "&".join(f"{name}={value}" for name, value in pairs)


def _trimmed(value: str) -> str:
    # As bytes, since only ASCII's white space counts and a no-break space does not.
    return b" ".join(value.encode("latin-1").split()).decode("latin-1")
