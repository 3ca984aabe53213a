"""Whose word is taken for where a request comes from and what it asks for: as many proxies as we are told there are."""
from typing import Any

import pytest
from flask import jsonify, request

from tests.abuse.conftest import Open
from tests.accounts.people import Site

FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "servicex.example.org",
             "X-Scheme": "https", "X-Forwarded-Port": "666", "X-Forwarded-Prefix": "/evil", "X-Real-IP": "203.0.113.9",
             "Forwarded": "for=203.0.113.9;host=evil.example.org;proto=https"}


def seen(site: Site, headers: dict[str, str]) -> dict[str, Any]:
    """What our code sees of such a request."""
    def look() -> Any:
        return jsonify([request.remote_addr, request.scheme, request.host, request.script_root])
    if "look" not in site.app.view_functions:
        site.app.add_url_rule("/look", view_func=look)
    answer = site.client.get("/look", headers=headers)
    return answer.json if answer.status_code == 200 else answer.status_code


def test_nobodys_word_is_taken_without_proxies(open_site: Open) -> None:
    assert seen(open_site(), FORWARDED) == ["127.0.0.1", "http", "localhost", ""]


def test_one_proxys_word_is_taken_and_not_what_it_was_told_itself(open_site: Open) -> None:
    site = open_site(TRUSTED_PROXIES=1, PUBLIC_URL="https://servicex.example.org")
    assert seen(site, FORWARDED) == ["203.0.113.9", "https", "servicex.example.org", ""]
    forged = {**FORWARDED, "X-Forwarded-For": "1.1.1.1, 203.0.113.9", "X-Forwarded-Proto": "http, https",
              "X-Forwarded-Host": "evil.example.org, servicex.example.org"}
    assert seen(site, forged) == ["203.0.113.9", "https", "servicex.example.org", ""]
    assert seen(site, {}) == ["127.0.0.1", "http", "localhost", ""]


def test_second_proxy_is_believed_about_the_first(open_site: Open) -> None:
    site = open_site(TRUSTED_PROXIES=2)
    assert seen(site, {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.1"})[0] == "203.0.113.9"
    assert seen(site, {"X-Forwarded-For": "203.0.113.9"})[0] == "127.0.0.1", "it did not come through both"


@pytest.mark.parametrize("proxies", [0, 1])
def test_forwarded_name_that_is_not_ours_is_refused(open_site: Open, proxies: int) -> None:
    site = open_site(TRUSTED_PROXIES=proxies)
    expected: Any = 403 if proxies else ["127.0.0.1", "http", "localhost", ""]
    assert seen(site, {"X-Forwarded-Host": "evil.example.org"}) == expected


def test_limits_count_whom_the_proxy_names(open_site: Open) -> None:
    site = open_site(TRUSTED_PROXIES=1, RATE_LIMIT_TOKEN="2 per minute")

    def guess(told: str) -> int:
        return site.client.post("/token/refresh", headers={"X-Forwarded-For": told}).status_code
    assert [guess("192.0.2.1") for _ in range(3)] == [401, 401, 429]
    assert [guess(f"6.6.6.{n}, 192.0.2.2") for n in range(3)] == [401, 401, 429], "what a client adds counts nothing"


def test_results_are_offered_where_the_proxy_was_asked(open_site: Open) -> None:
    site = open_site(TRUSTED_PROXIES=1, PUBLIC_URL="https://servicex.example.org")
    token = site.access_token("ada")
    request_id = site.submit(token)
    answer = site.client.get(f"/servicex/transformation/{request_id}", headers={
        "Authorization": f"Bearer {token}", **FORWARDED}, buffered=True)
    assert (answer.json["minio-endpoint"], answer.json["minio-secured"]) == ("servicex.example.org", True)
