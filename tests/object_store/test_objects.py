"""Reading objects: ranges, conditions, headers, refusals."""
from typing import Any

import pytest

from servicex.backends.object_store.base import ObjectStore
from servicex.backends.object_store.s3_door import S3Door
from servicex.backends.object_store.s3_door.request import raw_target
from tests.object_store.asking import BUCKET, OTHER_BUCKET, ask, ask_signed, both_kinds, code, fill, read, target

CONTENT = b"0123456789"


@pytest.fixture(autouse=True)
def filled(store: ObjectStore) -> None:
    fill(store, "a", CONTENT)
    fill(store, "empty", b"")


@both_kinds
def test_a_whole_object(store: ObjectStore, door: S3Door) -> None:
    reply = read(store, door)
    info = store.open(BUCKET, "a").info
    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["Content-Length"] == "10"
    assert reply.headers["ETag"] == info.etag
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in reply.headers
    names = {name.lower() for name in reply.headers}
    assert not any(name.startswith(("x-amz-checksum", "access-control")) for name in names)


def test_results_are_never_a_page_of_our_origin(store: ObjectStore, door: S3Door) -> None:
    reply = read(store, door, "?response-content-type=text%2Fhtml&response-content-encoding=gzip")
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert "Content-Encoding" not in reply.headers
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]


@both_kinds
@pytest.mark.parametrize("asked, start, end", [
    ("bytes=0-9", 0, 9), ("bytes=0-0", 0, 0), ("bytes=3-5", 3, 5), ("bytes=9-9", 9, 9), ("bytes=4-", 4, 9),
    ("bytes=-3", 7, 9), ("bytes=-100", 0, 9), ("bytes=5-100", 5, 9), ("BYTES=1-2", 1, 2),
    ("bytes=2-999999999999999999", 2, 9)])
def test_ranges(store: ObjectStore, door: S3Door, asked: str, start: int, end: int) -> None:
    for method in ("GET", "HEAD"):
        reply = read(store, door, headers={"Range": asked}, method=method)
        assert reply.status == 206
        assert reply.body == (CONTENT[start:end + 1] if method == "GET" else b"")
        assert reply.headers["Content-Range"] == f"bytes {start}-{end}/10"
        assert reply.headers["Content-Length"] == str(end - start + 1)


@both_kinds
@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=100-200"])
def test_ranges_outside(store: ObjectStore, door: S3Door, asked: str) -> None:
    reply = read(store, door, headers={"Range": asked})
    assert code(reply) == (416, "InvalidRange")
    assert reply.headers["Content-Range"] == "bytes */10"
    assert b"<ActualObjectSize>10</ActualObjectSize>" in reply.body


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=-", "bytes=", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "",
                                   "bytes=0-1-2", "bytes=" + "9" * 5000 + "-", "bytes=\xb2-\xb3"])
def test_what_is_no_range_gives_the_whole(store: ObjectStore, door: S3Door, asked: str) -> None:
    reply = ask_signed(door, "v2-query", target("a"), store.credentials(BUCKET), headers={"Range": asked})
    assert (reply.status, reply.body) == (200, CONTENT)


@both_kinds
def test_an_empty_object(store: ObjectStore, door: S3Door) -> None:
    keys = store.credentials(BUCKET)
    reply = ask_signed(door, "v4", target("empty"), keys)
    assert (reply.status, reply.body, reply.headers["Content-Length"]) == (200, b"", "0")
    assert ask_signed(door, "v4", target("empty"), keys, headers={"Range": "bytes=0-0"}).status == 416


@pytest.mark.parametrize("name, value, status", [
    ("If-Match", "TAG", 200), ("If-Match", "*", 200), ("If-Match", '"other"', 412), ("If-Match", '"x", TAG', 200),
    ("If-None-Match", "TAG", 304), ("If-None-Match", "*", 304), ("If-None-Match", '"other"', 200),
    ("If-Modified-Since", "TIME", 304), ("If-Modified-Since", "Thu, 01 Jan 2015 00:00:00 GMT", 200),
    ("If-Modified-Since", "nonsense", 200),
    ("If-Unmodified-Since", "TIME", 200), ("If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT", 412),
    ("If-Unmodified-Since", "Mon, 1 Jan 2024 00:00:00 +" + "9" * 30, 200)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(store: ObjectStore, door: S3Door, method: str, name: str, value: str, status: int) -> None:
    plain = read(store, door)
    value = value.replace("TAG", plain.headers["ETag"]).replace("TIME", plain.headers["Last-Modified"])
    reply = read(store, door, headers={name: value}, method=method)
    assert reply.status == status
    assert status != 304 or (reply.body == b"" and reply.headers["ETag"] == plain.headers["ETag"])
    assert ("Content-Length" in reply.headers) == (status != 304)


def test_the_tag_outdoes_the_time(store: ObjectStore, door: S3Door) -> None:
    plain = read(store, door)
    old = "Thu, 01 Jan 2015 00:00:00 GMT"
    same = {"If-Match": plain.headers["ETag"], "If-Unmodified-Since": old}
    assert read(store, door, headers=same).status == 200
    new = {"If-None-Match": '"other"', "If-Modified-Since": plain.headers["Last-Modified"]}
    assert read(store, door, headers=new).status == 200


def test_if_range(store: ObjectStore, door: S3Door) -> None:
    tag = read(store, door).headers["ETag"]
    assert read(store, door, headers={"Range": "bytes=0-1", "If-Range": tag}).body == b"01"
    assert read(store, door, headers={"Range": "bytes=0-1", "If-Range": '"other"'}).body == CONTENT


def test_overrides(store: ObjectStore, door: S3Door) -> None:
    query = "?response-content-disposition=attachment%3B%20filename%3D%22a.root%22&response-cache-control=no-store"
    for way in ("v4", "v4-query", "v2", "v2-query"):
        reply = ask_signed(door, way, target("a", query), store.credentials(BUCKET))
        assert reply.headers["Content-Disposition"] == 'attachment; filename="a.root"'
        assert reply.headers["Cache-Control"] == "no-store"
    for value in ("a%0D%0ASet-Cookie%3A%20a", "%00", "%C3%A9"):
        assert code(read(store, door, "?response-expires=" + value)) == (400, "InvalidArgument")


@both_kinds
def test_what_is_not_there(store: ObjectStore, door: S3Door) -> None:
    keys, others = store.credentials(BUCKET), store.credentials(OTHER_BUCKET)
    for path in (target("missing"), f"/{BUCKET}/..%2F{BUCKET}%2Fa", f"/{BUCKET}/..", f"/{BUCKET}/a/b",
                 f"/{BUCKET}//a", f"/{BUCKET}/a%00", f"/{BUCKET}/.source", f"/{BUCKET}/" + "x" * 300):
        assert code(ask_signed(door, "v4", path, keys)) == (404, "NoSuchKey")
    for path in (f"/{OTHER_BUCKET}/a", f"/{OTHER_BUCKET}", f"/{OTHER_BUCKET}?location"):
        assert code(ask_signed(door, "v4", path, others)) == (404, "NoSuchBucket")
        head = ask_signed(door, "v4", path, others, method="HEAD")
        assert (head.status, head.body) == (404, b"")


@both_kinds
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "PROPFIND"])
def test_nothing_but_reading(store: ObjectStore, door: S3Door, method: str) -> None:
    for query in ("", "?delete", "?uploads"):
        for path in (target("a", query), f"/{BUCKET}{query}"):
            assert code(ask_signed(door, "v2", path, store.credentials(BUCKET), method=method)) == (403, "AccessDenied")
    assert read(store, door).body == CONTENT


@pytest.mark.parametrize("query", ["acl", "policy", "tagging", "uploads", "versions", "attributes", "partNumber=1"])
def test_other_operations_are_refused(store: ObjectStore, door: S3Door, query: str) -> None:
    for path in (target("a", "?" + query), f"/{BUCKET}?{query}"):
        assert code(ask_signed(door, "v4", path, store.credentials(BUCKET))) == (403, "AccessDenied")


@pytest.mark.parametrize("path", [
    "/", "/servicex", f"/{BUCKET.upper()}", f"/{BUCKET}x", f"/x{BUCKET}", f"//{BUCKET}/a", f"/%31{BUCKET[1:]}/a",
    f"/servicex/{BUCKET}", "*", "/1b4e28ba-2fa1-1d2b-883f-0016d3cca427/a", f"/?a=/{BUCKET}/a", f"/{BUCKET};a"])
def test_all_else_is_the_applications(door: S3Door, path: str) -> None:
    assert ask(door, path).body == b"app /not to be used"


@pytest.mark.parametrize("path", [
    "/%", "/%zz", "/%e9", "/\xe9", "/a?%", "/a?x=%f", "/a?x=%ff", "/a?a=1&a=2", "/a?a&a", "/" + "x" * 9000,
    "?" + "x=1&" * 3000, "?list-type=2&list-type=2", "/%ed%a0%80"])
def test_malformed_targets_are_the_clients_fault(door: S3Door, path: str) -> None:
    assert ask(door, f"/{BUCKET}{path}").status == 400


@pytest.mark.parametrize("environ, target", [
    ({"REQUEST_URI": "/a%2Cb?c=%2F", "PATH_INFO": "/a,b"}, "/a%2Cb?c=%2F"),
    ({"RAW_URI": "/a%2Cb?c=%2F", "PATH_INFO": "/a,b"}, "/a%2Cb?c=%2F"),
    ({"REQUEST_URI": "http://host:80/a%2Cb", "PATH_INFO": "/a,b"}, "/a%2Cb"),
    ({"REQUEST_URI": "//a", "PATH_INFO": "/a"}, "//a"),
    ({"PATH_INFO": "/a,b \xc3\xa9", "QUERY_STRING": "c=%2F"}, "/a%2Cb%20%C3%A9?c=%2F"),
    ({"PATH_INFO": "/a", "HTTP_REQUEST_URI": "/b", "HTTP_RAW_URI": "/b"}, "/a")])
def test_the_raw_target(environ: dict[str, Any], target: str) -> None:
    assert raw_target(environ) == target
