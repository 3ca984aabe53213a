"""Who gets in: requests signed by botocore, tampered with in every part, out of time, or with other credentials."""
import base64
import hmac
from email.utils import formatdate
from time import time
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.object_store.s3_door import S3Door
from tests.object_store.asking import (BUCKET, HOST, ODD_KEYS, OTHER_BUCKET, Reply, ask, ask_signed, code, fill, signed,
                                       target)
from tests.object_store.hello import hello

WAYS = ["v4", "v4-query", "v2", "v2-query"]
YEAR = 31536000


@pytest.fixture
def store(local_store: LocalObjectStore) -> LocalObjectStore:
    """Who may ask is not the store's affair: one kind will do."""
    return local_store


def door_in(store: LocalObjectStore, seconds: float) -> S3Door:
    """The door at a later time."""
    return S3Door(hello, store, clock=lambda: time() + seconds)


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_signing_and_every_key(store: LocalObjectStore, door: S3Door, way: str, region: str) -> None:
    for key in ODD_KEYS:
        fill(store, key, key.encode())
        reply = ask_signed(door, way, target(key), store.credentials(BUCKET), region=region)
        assert (reply.status, reply.body) == (200, key.encode())


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=60),
       value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_canonical_form_is_botocores(store: LocalObjectStore, door: S3Door, way: str, key: str, value: str) -> None:
    query = f"?zeta={quote(value, safe='')}&response-expires={quote(value, safe='')}&Alpha="
    reply = ask_signed(door, way, target(key, query), store.credentials(BUCKET))
    assert code(reply) == (404, "NoSuchKey")


@pytest.mark.parametrize("way", WAYS)
def test_libraries_may_rewrite_the_path(store: LocalObjectStore, door: S3Door, way: str) -> None:
    fill(store, "a,b(1)'.root")
    request = signed(way, target("a,b(1)'.root"), store.credentials(BUCKET))
    rewritten = request.url.replace("%2C", ",").replace("%28", "(").replace("%29", ")").replace("%27", "'")
    assert rewritten != request.url
    assert ask(door, rewritten, dict(request.headers.items())).status == 200
    lower = request.url.replace("%2C", "%2c")
    assert ask(door, lower, dict(request.headers.items())).status == 200


def test_version_2_is_as_the_manual_says(store: LocalObjectStore, door: S3Door) -> None:
    """The string to sign, put together by hand."""
    fill(store, "a b.root")
    keys = store.credentials(BUCKET)
    path, expires = f"/{BUCKET}/a%20b.root", "4102444800"
    digest = hmac.digest(keys.secret_key.encode(), f"GET\n\n\n{expires}\n{path}".encode(), "sha1")
    signature = quote(base64.b64encode(digest).decode(), safe="")
    reply = ask(door, f"{path}?AWSAccessKeyId={keys.access_key}&Signature={signature}&Expires={expires}")
    assert reply.status == 200


@pytest.mark.parametrize("way", WAYS)
def test_another_buckets_credentials_are_refused(store: LocalObjectStore, door: S3Door, way: str) -> None:
    fill(store, "a")
    reply = ask_signed(door, way, target("a"), store.credentials(OTHER_BUCKET))
    assert code(reply) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_secret_is_refused(store: LocalObjectStore, door: S3Door, way: str) -> None:
    fill(store, "a")
    keys = type(store.credentials(BUCKET))(store.credentials(BUCKET).access_key, "x" * 40)
    assert code(ask_signed(door, way, target("a"), keys)) == (403, "SignatureDoesNotMatch")


def test_no_signature_is_refused(store: LocalObjectStore, door: S3Door) -> None:
    fill(store, "a")
    for wanted in (target("a"), f"/{BUCKET}", f"/{OTHER_BUCKET}", f"/{BUCKET}/missing"):
        assert code(ask(door, wanted)) == (403, "AccessDenied")


@pytest.mark.parametrize("name, value", [
    ("host", "other.example.org"), ("range", "bytes=0-5"), ("x-amz-checksum-mode", "DISABLED"),
    ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"), ("x-amz-date", "now")])
def test_each_signed_header_of_version_4_counts(store: LocalObjectStore, door: S3Door, name: str, value: str) -> None:
    fill(store, "a")
    request = signed("v4", target("a"), store.credentials(BUCKET),
                     headers={"range": "bytes=0-3", "x-amz-checksum-mode": "ENABLED"})
    headers = {key.lower(): text for key, text in request.headers.items()}
    assert ask(door, request.url, headers).body == b"0123"
    stamp = headers["x-amz-date"]
    headers[name] = value if value != "now" else stamp[:-3] + ("00Z" if stamp[-3:-1] != "00" else "01Z")
    assert code(ask(door, request.url, headers)) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("way", WAYS)
def test_method_path_and_query_count(store: LocalObjectStore, door: S3Door, way: str) -> None:
    fill(store, "a")
    fill(store, "b")
    request = signed(way, target("a", "?response-expires=x"), store.credentials(BUCKET))
    headers = dict(request.headers.items())
    assert ask(door, request.url, headers).status == 200
    for wrong in (request.url.replace("/a?", "/b?"), request.url.replace("expires=x", "expires=y"),
                  request.url + "&response-cache-control=no-store"):
        assert code(ask(door, wrong, headers)) == (403, "SignatureDoesNotMatch")
    assert ask(door, request.url, headers, "HEAD").status == 403


@pytest.mark.parametrize("way, name", [
    ("v4-query", "X-Amz-Credential"), ("v4-query", "X-Amz-Date"), ("v4-query", "X-Amz-Expires"),
    ("v4-query", "X-Amz-SignedHeaders"), ("v4-query", "X-Amz-Signature"), ("v4-query", "X-Amz-Algorithm"),
    ("v2-query", "AWSAccessKeyId"), ("v2-query", "Signature"), ("v2-query", "Expires")])
def test_each_parameter_of_a_link_counts(store: LocalObjectStore, door: S3Door, way: str, name: str) -> None:
    fill(store, "a")
    url = signed(way, target("a"), store.credentials(BUCKET), expires=YEAR).url
    assert ask(door, url).status == 200
    path, _, query = url.partition("?")
    pairs = query.split("&")
    for change in (lambda pair: pair[:-1] + ("1" if pair[-1] != "1" else "2"), lambda pair: name + "=",
                   lambda pair: "left=out", lambda pair: f"{pair}&{pair}", lambda pair: name,
                   lambda pair: name + "=" + quote("٣é\x00\n"), lambda pair: name + "=" + "9" * 5000):
        changed = [change(pair) if pair.startswith(name + "=") else pair for pair in pairs]
        assert ask(door, path + "?" + "&".join(changed)).status in (400, 403)


@pytest.mark.parametrize("way", ["v4-query", "v2-query"])
def test_links_of_a_year_end_after_it(store: LocalObjectStore, way: str) -> None:
    fill(store, "a")
    url = signed(way, target("a"), store.credentials(BUCKET), expires=YEAR).url

    def ask_in(seconds: float) -> Reply:
        return ask(door_in(store, seconds), url)

    assert ask_in(0).status == ask_in(YEAR - 60).status == 200
    expired = ask_in(YEAR + 60)
    assert code(expired) == (403, "AccessDenied")
    assert b"Request has expired" in expired.body


@pytest.mark.parametrize("way", ["v4", "v2"])
def test_clocks_may_differ_by_a_quarter_of_an_hour(store: LocalObjectStore, way: str) -> None:
    fill(store, "a")
    request = signed(way, target("a"), store.credentials(BUCKET))
    for seconds, wanted in ((880, 200), (-880, 200), (920, 403), (-920, 403)):
        reply = ask(door_in(store, seconds), request.url, dict(request.headers.items()))
        assert reply.status == wanted
        assert wanted == 200 or code(reply) == (403, "RequestTimeTooSkewed")


def test_links_from_the_future_are_refused(store: LocalObjectStore) -> None:
    fill(store, "a")
    url = signed("v4-query", target("a"), store.credentials(BUCKET)).url
    reply = ask(door_in(store, -1000), url)
    assert b"Request is not yet valid" in reply.body


def test_amz_headers_must_be_signed(store: LocalObjectStore, door: S3Door) -> None:
    fill(store, "a")
    for way in ("v4", "v4-query"):
        request = signed(way, target("a"), store.credentials(BUCKET))
        headers = {**dict(request.headers.items()), "x-amz-extra": "1"}
        assert code(ask(door, request.url, headers)) == (403, "AccessDenied")


@pytest.mark.parametrize("way", ["v4", "v2"])
def test_spaces_around_and_within_a_header_do_not_count(store: LocalObjectStore, door: S3Door, way: str) -> None:
    fill(store, "a")
    inner = "a   b" if way == "v4" else "a b"
    reply = ask_signed(door, way, target("a"), store.credentials(BUCKET), headers={"x-amz-meta": f"  {inner} "})
    assert reply.status == 200


@pytest.mark.parametrize("old, new", [("SignedHeaders=host;", "SignedHeaders="), ("/s3/", "/sqs/"),
                                      ("aws4_request", "aws5_request"), ("Credential=", "Credential=x/")])
def test_the_scope_must_be_right(store: LocalObjectStore, door: S3Door, old: str, new: str) -> None:
    request = signed("v4", target("a"), store.credentials(BUCKET))
    headers = dict(request.headers.items())
    headers["Authorization"] = headers["Authorization"].replace(old, new)
    assert code(ask(door, request.url, headers)) == (400, "AuthorizationHeaderMalformed")


def test_the_date_must_be_that_of_the_scope(store: LocalObjectStore, door: S3Door) -> None:
    request = signed("v4", target("a"), store.credentials(BUCKET))
    headers = dict(request.headers.items())
    today = headers["X-Amz-Date"][:8]
    headers["Authorization"] = headers["Authorization"].replace(today, "20200101")
    assert code(ask(door, request.url, headers)) == (400, "AuthorizationHeaderMalformed")


def test_version_2_leaves_the_date_out_beside_an_amz_date(store: LocalObjectStore, door: S3Door) -> None:
    fill(store, "a")
    keys, now = store.credentials(BUCKET), formatdate(usegmt=True)
    text = f"GET\n\n\n\nx-amz-date:{now}\n{target('a')}"
    signature = base64.b64encode(hmac.digest(keys.secret_key.encode(), text.encode(), "sha1")).decode()
    headers = {"Authorization": f"AWS {keys.access_key}:{signature}", "Date": now, "X-Amz-Date": now}
    assert ask(door, target("a"), headers).status == 200


def test_two_signatures_are_refused(store: LocalObjectStore, door: S3Door) -> None:
    link = signed("v2-query", target("a"), store.credentials(BUCKET)).url
    headers = dict(signed("v4", target("a"), store.credentials(BUCKET)).headers.items())
    assert code(ask(door, link, headers)) == (400, "InvalidArgument")


@pytest.mark.parametrize("authorization", [
    "", "AWS", "AWS ", "AWS x", "AWS :", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "Basic eDp5", "Bearer abc", "é",
    "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request, SignedHeaders=host, Signature=x",
    "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=x",
    "AWS4-HMAC-SHA256 Credential=a/20261124/x/s3/aws4_request, SignedHeaders=host;;, Signature=x",
    "AWS4-HMAC-SHA256 Credential=a/20261124/x/s3/aws4_request, SignedHeaders=date, Signature=é",
    "AWS4-HMAC-SHA256 " + "Credential=a," * 5000])
@pytest.mark.parametrize("date", [
    "", "20261124T080000Z", "20261324T080000Z", "٢٠٢٦١١٢٤T080000Z", "Tue, 24 Nov 2026 08:00:00 GMT",
    "Mon, 1 Jan 0001 00:00:00 +2300", "Fri, 31 Dec 9999 23:59:59 -2300", "Mon, 1 Jan 2024 00:00:00 +" + "9" * 30])
def test_malformed_authorization_is_the_clients_fault(door: S3Door, authorization: str, date: str) -> None:
    date = date.encode().decode("latin-1")
    headers = {"Authorization": authorization, "X-Amz-Date": date, "Host": HOST, "X-Amz-Content-Sha256": "é"}
    assert ask(door, target("a"), headers).status in (400, 403)


def test_the_payload_must_be_that_of_an_empty_body(store: LocalObjectStore, door: S3Door) -> None:
    request = signed("v4", target("a"), store.credentials(BUCKET))
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["x-amz-content-sha256"] = "0" * 64
    assert code(ask(door, request.url, headers)) == (400, "XAmzContentSHA256Mismatch")
    del headers["x-amz-content-sha256"]
    assert code(ask(door, request.url, headers)) == (400, "InvalidRequest")


def test_the_error_names_the_resource_as_asked(door: S3Door) -> None:
    reply = ask(door, target("größe<&>"))
    assert f"<Resource>{target('größe<&>')}</Resource>".encode() in reply.body
    assert reply.headers["x-amz-request-id"] in reply.body.decode()
    assert unquote(target("größe<&>")).endswith("<&>")
