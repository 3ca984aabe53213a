"""Every error of every route: one shape, the right status, words that help."""
from typing import Any

import pytest
import requests

from tests.api.conftest import SELECTION, Ask

UNKNOWN = "/servicex/transformation/00000000-0000-4000-8000-000000000000"


def check(answer: requests.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    message = answer.json()["message"]
    assert isinstance(message, str)
    for word in words:
        assert word in message
    for secret in ("Traceback", "sqlite", "SELECT", "/site-packages/"):
        assert secret not in message


@pytest.mark.parametrize("change, words", [
    ({"file-list": None}, ["Must provide did or file-list but not both", "neither"]),
    ({"file-list": []}, ["Must provide did or file-list but not both", "neither"]),
    ({"did": "file:///x"}, ["Must provide did or file-list but not both"]),
    ({"file-list": "abc"}, ["file-list", "list"]),
    ({"file-list": {"a": 1}}, ["file-list", "list"]),
    ({"file-list": [1]}, ["file-list.0", "string"]),
    ({"file-list": [""]}, ["empty"]),
    ({"did": 7, "file-list": None}, ["did", "string"]),
    ({"title": 5}, ["title", "string"]),
    ({"title": "t" * 10_241}, ["title", "10240 characters"]),
    ({"tree-name": "t" * 513}, ["tree-name", "512 characters"]),
    ({"selection": None}, ["selection is empty"]),
    ({"selection": "  "}, ["selection is empty"]),
    ({"selection": ["x"]}, ["selection", "string"]),
    ({"selection": "(call nonsense"}, []),
    ({"selection": "(call Select (call EventDataset 'bogus.root' 'mini') (lambda (list e) (call no_such e)))"},
     ["no_such"]),
    ({"codegen": None}, ["field codegen is missing", "uproot-raw"]),
    ({"codegen": "cobol"}, ["cobol", "uproot-raw"]),
    ({"codegen": 3}, ["codegen"]),
    ({"result-format": "csv"}, ["result-format", "parquet"]),
    ({"result-format": 1}, ["result-format"]),
    ({"result-destination": "volume"}, ["object-store"]),
    ({"result-destination": "moon"}, ["result-destination"]),
    ({"codegen": "\ud800"}, ["codegen"]),
    ({"title": "a\0b"}, ["title", "NUL"]),
    ({"selection": "a\0b"}, ["selection", "NUL"]),
    ({"tree-name": "\udfff"}, ["tree-name"]),
    ({"workers": 0}, ["workers"]),
    ({"workers": -5}, ["workers"]),
    ({"workers": "many"}, ["workers"]),
    ({"file-list": ["/etc/passwd"]}, ["/etc/passwd"]),
    ({"file-list": ["../../etc/passwd"]}, ["passwd"]),
    ({"file-list": ["file:///etc/passwd"]}, ["passwd"]),
    ({"file-list": ["gopher://x/y"]}, ["gopher"]),
    ({"file-list": None, "did": "rucio://a:b"}, ["rucio", "Supported here", "file"]),
    ({"file-list": None, "did": "file:///etc/*.root"}, ["/etc"]),
    ({"file-list": None, "did": "file://x.root?files=0"}, ["files"]),
    ({"file-list": None, "did": "file://x.root?files=many"}, ["files"]),
    ({"file-list": None, "did": "file://" + "x" * 2000}, ["1024"]),
])
def test_submission_that_cannot_be_granted(ask: Ask, body: dict[str, Any], change: dict[str, Any],
                                           words: list[str]) -> None:
    before = ask("get", "/servicex/transformation").json()["requests"]
    check(ask("post", "/servicex/transformation", json={**body, **change}), 400, *words)
    assert ask("get", "/servicex/transformation").json()["requests"] == before, "nothing is kept of it"


@pytest.mark.parametrize("data, status, words", [
    (b"", 400, ["not valid JSON"]),
    (b"{", 400, ["not valid JSON"]),
    (b"\xff\xfe", 400, ["not valid JSON"]),
    (b"[1]", 400, ["must be an object"]),
    (b'"text"', 400, ["must be an object"]),
    (b"null", 400, ["must be an object"]),
    (b"[" * 100_000, 400, []),
])
def test_body_that_is_no_json_object(ask: Ask, data: bytes, status: int, words: list[str]) -> None:
    check(ask("post", "/servicex/transformation", data=data, headers={"Content-Type": "application/json"}), status,
          *words)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x"])
def test_body_that_is_not_declared_as_json(ask: Ask, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    check(ask("post", "/servicex/transformation", data=b'{"title": "x"}', headers=headers), 415, "application/json")


def test_selection_above_the_limit(ask: Ask, body: dict[str, Any]) -> None:
    check(ask("post", "/servicex/transformation", json={**body, "selection": "x" * (10 * 2 ** 20 + 1)}), 413,
          "selection", "10485760")


def test_body_above_the_limit(ask: Ask) -> None:
    check(ask("post", "/servicex/transformation", data=b" " * (128 * 2 ** 20 + 1),
              headers={"Content-Type": "application/json"}), 413)


@pytest.mark.parametrize("method, path", [
    ("get", UNKNOWN), ("get", UNKNOWN + "/status"), ("get", UNKNOWN + "/results"), ("get", UNKNOWN + "/errors"),
    ("get", UNKNOWN + "/cancel"), ("post", UNKNOWN + "/cancel"), ("get", UNKNOWN + "/deployment-status"),
    ("delete", UNKNOWN), ("get", "/servicex/transformation/999999999"),
    ("get", "/servicex/transformation/99999999999999999999999999"), ("get", "/servicex/transformation/%00"),
    ("get", "/servicex/transformation/%F0%9F%8D%95"), ("get", "/servicex/datasets/999999"),
    ("delete", "/servicex/datasets/999999"), ("post", "/servicex/datasets/999999/refresh"),
    ("get", "/servicex/datasets/abc"), ("get", "/servicex/datasets/-1"),
    ("get", "/servicex/datasets/99999999999999999999999999"), ("get", "/no/such/page"), ("get", "/servicex/"),
])
def test_what_is_not_there(ask: Ask, method: str, path: str) -> None:
    check(ask(method, path), 404)


def test_url_that_is_no_route_points_to_the_list(ask: Ask) -> None:
    check(ask("get", "/servicex/transform"), 404, "nothing at this URL", "/apidoc")


@pytest.mark.parametrize("method, path", [
    ("put", "/servicex"), ("delete", "/servicex"), ("put", "/servicex/transformation"),
    ("patch", UNKNOWN), ("post", UNKNOWN + "/status"), ("post", "/servicex/datasets"), ("post", "/"),
])
def test_wrong_method(ask: Ask, method: str, path: str) -> None:
    answer = ask(method, path)
    check(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("query", [
    "later_than=yesterday", "later_than=", "later_than=0001-01-01T00:00:00%2B05:00", "limit=0", "limit=x", "limit=-1",
    "limit=99999999999999999999"])
def test_results_query_that_makes_no_sense(ask: Ask, body: dict[str, Any], query: str) -> None:
    request_id = ask("post", "/servicex/transformation", json=body).json()["request_id"]
    check(ask("get", f"/servicex/transformation/{request_id}/results?{query}"), 400, query.split("=")[0])


def test_request_that_the_http_server_refuses_is_told_in_json(ask: Ask) -> None:
    check(ask("get", "/servicex", headers={"X-Long": "x" * 600_000}), 431)


def test_list_query_that_makes_no_sense(ask: Ask) -> None:
    check(ask("get", "/servicex/transformation?submitted_by=me"), 400, "submitted_by")


def test_longest_title_is_accepted(ask: Ask, body: dict[str, Any]) -> None:
    answer = ask("post", "/servicex/transformation", json={**body, "title": "t" * 10_240})
    assert answer.status_code == 200 and answer.json()["title"] == "t" * 10_240


def test_unknown_fields_are_accepted(ask: Ask, body: dict[str, Any]) -> None:
    answer = ask("post", "/servicex/transformation",
                 json={**body, "client-version": "9", "columns": None, "image": "x/y:z", "chunk-size": 5})
    assert answer.status_code == 200 and answer.json()["selection"] == SELECTION
