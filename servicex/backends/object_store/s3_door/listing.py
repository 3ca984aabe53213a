"""ListObjects in both its versions."""
import base64
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from servicex.backends.object_store.local import LocalObjectStore, ObjectInfo
from servicex.backends.object_store.s3_door.answers import Answer, element, xml_answer
from servicex.backends.object_store.s3_door.faults import S3Fault, bad_request
from servicex.backends.object_store.s3_door.request import S3Request, encoded

MAX_KEYS = 1000

_OWNER = "<Owner><ID>servicex</ID><DisplayName>servicex</DisplayName></Owner>"


@dataclass(frozen=True)
class Wanted:
    """What a listing is asked for; `after` is the last key that is not wanted any more."""

    version: int
    prefix: str
    delimiter: str
    after: str
    max_keys: int
    encode: bool
    with_owner: bool


@dataclass
class Page:
    """A page of keys, of the prefixes they share, and the last key it covers; `truncated` if more follow."""

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    truncated: bool = False


def list_objects(store: LocalObjectStore, request: S3Request) -> Answer:
    """A page of the bucket's objects, in the order of their keys. Raises `S3Fault` or `NoSuchBucket`."""
    wanted = _read_wanted(request)
    page = page_of(store.keys(request.bucket), wanted)
    infos = store.infos(request.bucket, page.keys)
    describe = _describe_first if wanted.version == 1 else _describe_second
    content = describe(request, wanted, page) + _common(wanted, page) + _contents(wanted, infos)
    return xml_answer("ListBucketResult", element("Name", request.bucket) + content)


def page_of(keys: Sequence[str], wanted: Wanted) -> Page:
    """The page of the sorted keys that is wanted. Keys that share a prefix up to the delimiter count as one entry."""
    page = Page()
    start = max(bisect_left(keys, wanted.prefix), bisect_right(keys, wanted.after))
    for key in keys[start:] if wanted.max_keys else ():
        if not key.startswith(wanted.prefix):
            break
        shared = _shared_prefix(key, wanted)
        if not shared or shared not in page.prefixes[-1:]:
            if len(page.keys) + len(page.prefixes) == wanted.max_keys:
                page.truncated = True
                break
            (page.prefixes if shared else page.keys).append(shared or key)
        page.last = key
    return page


def _shared_prefix(key: str, wanted: Wanted) -> str:
    if not wanted.delimiter:
        return ""
    before, found, _ = key[len(wanted.prefix):].partition(wanted.delimiter)
    return wanted.prefix + before + found if found else ""


def _read_wanted(request: S3Request) -> Wanted:
    given = request.parameters
    version = {None: 1, "2": 2}.get(given.get("list-type"))
    if version is None:
        raise _invalid("list-type", "2")
    if given.get("encoding-type", "url") != "url":
        raise _invalid("encoding-type", "url")
    after = given.get("marker", "") if version == 1 else _after(given)
    owner = version == 1 or given.get("fetch-owner", "").lower() == "true"
    return Wanted(version, given.get("prefix", ""), given.get("delimiter", ""), after,
                  _max_keys(given.get("max-keys", "")), "encoding-type" in given, owner)


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
    text = element("Marker", _shown(wanted.after, wanted))
    return text + (element("NextMarker", _shown(page.last, wanted)) if page.truncated else "")


def _describe_second(request: S3Request, wanted: Wanted, page: Page) -> str:
    text = element("KeyCount", len(page.keys) + len(page.prefixes))
    if "continuation-token" in request.parameters:
        text += element("ContinuationToken", request.parameters["continuation-token"])
    if "start-after" in request.parameters:
        text += element("StartAfter", _shown(request.parameters["start-after"], wanted))
    return text + (element("NextContinuationToken", _token(page.last)) if page.truncated else "")


def _common(wanted: Wanted, page: Page) -> str:
    text = element("Prefix", _shown(wanted.prefix, wanted)) + element("MaxKeys", wanted.max_keys)
    text += element("IsTruncated", "true" if page.truncated else "false")
    if wanted.delimiter:
        text += element("Delimiter", _shown(wanted.delimiter, wanted))
    if wanted.encode:
        text += element("EncodingType", "url")
    prefixes = (element("Prefix", _shown(prefix, wanted)) for prefix in page.prefixes)
    return text + "".join(f"<CommonPrefixes>{prefix}</CommonPrefixes>" for prefix in prefixes)


def _contents(wanted: Wanted, infos: Iterable[ObjectInfo]) -> str:
    return "".join(f"<Contents>{_describe_object(wanted, info)}</Contents>" for info in infos)


def _describe_object(wanted: Wanted, info: ObjectInfo) -> str:
    modified = datetime.fromtimestamp(info.modified, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    owner = _OWNER if wanted.with_owner else ""
    return (element("Key", _shown(info.key, wanted)) + element("LastModified", modified)
            + element("ETag", info.etag) + element("Size", info.size) + owner + element("StorageClass", "STANDARD"))


def _shown(text: str, wanted: Wanted) -> str:
    return encoded(text, safe="/") if wanted.encode else text
