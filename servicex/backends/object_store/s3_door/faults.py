"""What can be wrong with an S3 request, under the names that S3 gives it."""
from http import HTTPStatus


class S3Fault(Exception):
    """Raised to answer with one of S3's errors.

    `code` is S3's name for it, `details` are further elements of the error document, `headers` further headers.
    """

    def __init__(self, status: HTTPStatus, code: str, message: str, details: dict[str, str] | None = None,
                 headers: dict[str, str] | None = None):
        super().__init__(status, code, message, details, headers)
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}
        self.headers = headers or {}


def access_denied(message: str = "Access Denied") -> S3Fault:
    """The request is not signed, no longer valid, or asks for what this door does not do."""
    return S3Fault(HTTPStatus.FORBIDDEN, "AccessDenied", message)


def unknown_access_key() -> S3Fault:
    """The access key is not the one of this bucket."""
    return S3Fault(HTTPStatus.FORBIDDEN, "InvalidAccessKeyId",
                   "The access key is not known for this bucket; take the credentials of this very transform.")


def wrong_signature() -> S3Fault:
    """The signature does not belong to this request and this secret key."""
    return S3Fault(HTTPStatus.FORBIDDEN, "SignatureDoesNotMatch",
                   "The signature we calculate differs from the one sent; check the secret key and the host name.")


def skewed_time() -> S3Fault:
    """The time of the request is too far from ours."""
    return S3Fault(HTTPStatus.FORBIDDEN, "RequestTimeTooSkewed",
                   "The clocks of client and server are more than 15 minutes apart; set the client's clock.")


def bad_request(code: str, message: str) -> S3Fault:
    """The request cannot be understood."""
    return S3Fault(HTTPStatus.BAD_REQUEST, code, message)


def no_such_bucket() -> S3Fault:
    """The transform has no results here."""
    return S3Fault(HTTPStatus.NOT_FOUND, "NoSuchBucket", "The bucket does not exist.")


def no_such_key() -> S3Fault:
    """The bucket has no such object."""
    return S3Fault(HTTPStatus.NOT_FOUND, "NoSuchKey", "The key does not exist.")


def unreadable() -> S3Fault:
    """The disk does not give what it should, or the store behind the door is away."""
    return S3Fault(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "The results cannot be read just now.")
