"""ListObjects in both its versions."""
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from servicex.backends.object_store.base import ObjectInfo, ObjectStore, Page, PageRequest
from servicex.backends.object_store.s3_door.answers import Answer, element, xml_answer
from servicex.backends.object_store.s3_door.faults import S3Fault, bad_request
from servicex.backends.object_store.s3_door.request import S3Request, encoded

MAX_KEYS = 1000

_OWNER = "<Owner><ID>servicex</ID><DisplayName>servicex</DisplayName></Owner>"


@dataclass(frozen=True)
class Wanted:
    """What a listing is asked for, and how it is to be written."""

    page: PageRequest
    version: int
    encode: bool
    with_owner: bool


def list_objects(store: ObjectStore, request: S3Request) -> Answer:
    """A page of the bucket's objects, in the order of their keys. Raises `S3Fault` or `NoSuchBucket`."""
    wanted = _read_wanted(request)
    page = store.page(request.bucket, wanted.page)
    describe = _describe_first if wanted.version == 1 else _describe_second
    content = describe(request, wanted, page) + _common(wanted, page) + _contents(wanted, page.objects)
    return xml_answer("ListBucketResult", element("Name", request.bucket) + content)


def _read_wanted(request: S3Request) -> Wanted:
    given = request.parameters
    version = {None: 1, "2": 2}.get(given.get("list-type"))
    if version is None:
        raise _invalid("list-type", "2")
    if given.get("encoding-type", "url") != "url":
        raise _invalid("encoding-type", "url")
    after = given.get("marker", "") if version == 1 else _after(given)
    owner = version == 1 or given.get("fetch-owner", "").lower() == "true"
    page = PageRequest(given.get("prefix", ""), given.get("delimiter", ""), after, _max_keys(given.get("max-keys", "")))
    return Wanted(page, version, "encoding-type" in given, owner)


def _max_keys(text: str) -> int:
    if not text:
        return MAX_KEYS
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise _invalid("max-keys", "a number from 0 to 2147483647")
    return min(int(text), MAX_KEYS)


def _after(given: Mapping[str, str]) -> str:
    if "continuation-token" not in given:
        return given.get("start-after", "")
    try:
        return base64.b64decode(given["continuation-token"], altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise _invalid("continuation-token", "one that a listing gave") from error


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _invalid(name: str, wanted: str) -> S3Fault:
    return bad_request("InvalidArgument", f"{name} must be {wanted}.")


def _describe_first(request: S3Request, wanted: Wanted, page: Page) -> str:
    text = element("Marker", _shown(wanted.page.after, wanted))
    return text + (element("NextMarker", _shown(page.last, wanted)) if page.truncated else "")


def _describe_second(request: S3Request, wanted: Wanted, page: Page) -> str:
    text = element("KeyCount", len(page.objects) + len(page.prefixes))
    if "continuation-token" in request.parameters:
        text += element("ContinuationToken", request.parameters["continuation-token"])
    if "start-after" in request.parameters:
        text += element("StartAfter", _shown(request.parameters["start-after"], wanted))
    return text + (element("NextContinuationToken", _token(page.last)) if page.truncated else "")


def _common(wanted: Wanted, page: Page) -> str:
    text = element("Prefix", _shown(wanted.page.prefix, wanted)) + element("MaxKeys", wanted.page.max_entries)
    text += element("IsTruncated", "true" if page.truncated else "false")
    if wanted.page.delimiter:
        text += element("Delimiter", _shown(wanted.page.delimiter, wanted))
    if wanted.encode:
        text += element("EncodingType", "url")
    prefixes = (element("Prefix", _shown(prefix, wanted)) for prefix in page.prefixes)
    return text + "".join(f"<CommonPrefixes>{prefix}</CommonPrefixes>" for prefix in prefixes)


def _contents(wanted: Wanted, objects: list[ObjectInfo]) -> str:
    return "".join(f"<Contents>{_describe_object(wanted, info)}</Contents>" for info in objects)


def _describe_object(wanted: Wanted, info: ObjectInfo) -> str:
    modified = datetime.fromtimestamp(info.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    owner = _OWNER if wanted.with_owner else ""
    return (element("Key", _shown(info.key, wanted)) + element("LastModified", modified)
            + element("ETag", info.etag) + element("Size", info.size) + owner + element("StorageClass", "STANDARD"))


def _shown(text: str, wanted: Wanted) -> str:
    return encoded(text, safe="/") if wanted.encode else text
