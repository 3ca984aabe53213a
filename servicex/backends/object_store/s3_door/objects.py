"""GetObject and HeadObject, with ranges and conditions (RFC 9110, sections 13 and 14, as S3 follows them)."""
import re
from collections.abc import Mapping
from contextlib import ExitStack
from http import HTTPStatus

from servicex.backends.object_store.base import ObjectInfo, ObjectStore
from servicex.backends.object_store.s3_door import times
from servicex.backends.object_store.s3_door.answers import Answer
from servicex.backends.object_store.s3_door.faults import S3Fault, bad_request
from servicex.backends.object_store.s3_door.request import S3Request

# Type and encoding cannot be overridden: a link to a result must not become a page or a script of our own origin.
OVERRIDES = {"response-cache-control": "Cache-Control", "response-content-disposition": "Content-Disposition",
             "response-content-language": "Content-Language", "response-expires": "Expires"}

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_HEADER_VALUE = re.compile("[\x20-\x7e]*")


def get_object(store: ObjectStore, request: S3Request) -> Answer:
    """The object, or the part of it that is asked for.

    Raises `S3Fault` for an unmet condition or range, `NoSuchBucket` or `NoSuchKey` if it is not there.
    """
    found = store.open(request.bucket, request.key)
    info = found.info
    with ExitStack() as unless_sent:
        unless_sent.callback(found.close)
        _check_conditions(request.headers, info)
        start, length = _part(request.headers, info)
        answer = Answer(HTTPStatus.OK, _object_headers(request, info), length=length)
        if start is not None:
            answer.status = HTTPStatus.PARTIAL_CONTENT
            answer.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{info.size}"
        if request.method == "GET" and length:
            answer.body = found.part(start or 0, length)
            unless_sent.pop_all()
    return answer


def _object_headers(request: S3Request, info: ObjectInfo) -> dict[str, str]:
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", **_validators(info)}
    for parameter, name in OVERRIDES.items():
        value = request.parameters.get(parameter)
        if value and not _HEADER_VALUE.fullmatch(value):
            raise bad_request("InvalidArgument", f"{parameter} may have printable ASCII characters only.")
        if value:
            headers[name] = value
    return headers


def _validators(info: ObjectInfo) -> dict[str, str]:
    return {"ETag": info.etag, "Last-Modified": times.to_http_date(info.modified)}


def _check_conditions(headers: Mapping[str, str], info: ObjectInfo) -> None:
    if not _is_as_required(headers, info):
        raise S3Fault(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed",
                      "At least one of the preconditions you specified did not hold.")
    if _is_known(headers, info):
        raise S3Fault(HTTPStatus.NOT_MODIFIED, "NotModified", "Not Modified", headers=_validators(info))


def _is_as_required(headers: Mapping[str, str], info: ObjectInfo) -> bool:
    if "if-match" in headers:
        return _names_tag(headers["if-match"], info.etag)
    limit = times.from_http_date(headers.get("if-unmodified-since", ""))
    return limit is None or int(info.modified) <= limit


def _is_known(headers: Mapping[str, str], info: ObjectInfo) -> bool:
    if "if-none-match" in headers:
        return _names_tag(headers["if-none-match"], info.etag)
    limit = times.from_http_date(headers.get("if-modified-since", ""))
    return limit is not None and int(info.modified) <= limit


def _names_tag(tags: str, etag: str) -> bool:
    """Whether a list of tags has this one; without its quotes too, as S3 allows."""
    named = {tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")}
    return "*" in named or etag.strip('"') in named


def _part(headers: Mapping[str, str], info: ObjectInfo) -> tuple[int | None, int]:
    """Where the part that is asked for starts, and its length; no start if it is the whole object.

    A range that is no valid one, or several ranges, are answered by the whole object, as S3 does.
    """
    match = _RANGE.fullmatch(headers.get("range", "").strip())
    if match is None or not any(match.groups()) or not _is_same(headers, info):
        return None, info.size
    first, last = _bounds(match[1], match[2], info.size)
    if match[1] and match[2] and int(match[2]) < int(match[1]):
        return None, info.size
    if first > last:
        raise _invalid_range(headers["range"], info)
    return first, last - first + 1


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _is_same(headers: Mapping[str, str], info: ObjectInfo) -> bool:
    """Whether the object is the one that If-Range wants a part of."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    return condition in (info.etag, times.to_http_date(info.modified))


def _invalid_range(asked: str, info: ObjectInfo) -> S3Fault:
    return S3Fault(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange", "The range lies outside the object.",
                   {"RangeRequested": asked, "ActualObjectSize": str(info.size)},
                   {"Content-Range": f"bytes */{info.size}"})
