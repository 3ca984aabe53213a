"""Who asks too often is told so, and when to come back; everybody else is not hindered."""
import random
import threading
from pathlib import Path
from typing import Any

import limits
import pytest
from limits.errors import StorageError
from limits.storage import MemoryStorage, MovingWindowSupport, Storage
from werkzeug.test import TestResponse

from servicex import create_app
from servicex.api.limits import Limit, MemoryWindows, SharedWindows, Windows, limited_by_address
from servicex.settings import load
from tests.abuse.conftest import Open
from tests.accounts.people import Site

SUBMIT = "/servicex/transformation"


def refused(answer: TestResponse) -> bool:
    """Whether it was too often; then the answer says so as every error does."""
    if answer.status_code != 429:
        return False
    assert answer.content_type == "application/json"
    seconds = answer.headers["Retry-After"]
    assert 1 <= int(seconds) <= 60
    assert answer.json == {"message": f"Too many requests of this kind. Try again in {seconds} s."}
    return True


def submit(site: Site, token: str) -> TestResponse:
    return site.ask("POST", SUBMIT, token, json={})


def test_a_thousand_submissions_at_once_are_taken_and_not_one_more(open_site: Open) -> None:
    site = open_site()
    site.person("bob")
    bob, ada = site.access_token("bob"), site.access_token("ada")
    assert {submit(site, bob).status_code for _ in range(1000)} == {400}, "none of them too many"
    assert refused(submit(site, bob))
    assert submit(site, ada).status_code == 400, "others are not hindered, though they are at the same address"
    assert site.ask("GET", SUBMIT, bob).status_code == 200, "nor is anything else"


def test_access_is_renewed_so_often_by_one_user_from_anywhere(open_site: Open) -> None:
    site = open_site(RATE_LIMIT_TOKEN="5 per minute")
    token = site.api_token(site.person("bob"))
    answers = [site.ask("POST", "/token/refresh", token, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"})
               for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert refused(answers[-1])
    eve = site.api_token(site.person("eve"))
    assert site.ask("POST", "/token/refresh", eve).status_code == 200


def test_tokens_are_guessed_so_often_from_one_address(open_site: Open) -> None:
    site = open_site(RATE_LIMIT_TOKEN="5 per minute")

    def guess(address: str) -> TestResponse:
        return site.ask("POST", "/token/refresh", "a.guess.x", environ_base={"REMOTE_ADDR": address})
    assert [guess("192.0.2.1").status_code for _ in range(6)] == [422] * 5 + [429]
    assert guess("192.0.2.2").status_code == 422
    assert [guess(f"2001:db8:0:1::{n}").status_code for n in range(6)] == [422] * 5 + [429], "one customer's addresses"
    assert guess("2001:db8:0:2::1").status_code == 422


def test_header_of_a_client_does_not_make_it_another_address(open_site: Open) -> None:
    site = open_site(RATE_LIMIT_TOKEN="5 per minute")
    statuses = [site.client.post("/token/refresh", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
                for n in range(6)]
    assert statuses == [401] * 5 + [429]


def test_views_are_limited_by_address(open_site: Open) -> None:
    site = open_site(RATE_LIMIT_SIGN_IN="2 per minute")

    @limited_by_address(Limit.SIGN_IN)
    def enter() -> str:
        return "welcome"
    site.app.add_url_rule("/sign-in-for-test", view_func=enter)
    answers = [site.client.get("/sign-in-for-test") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refused(answers[-1])


def test_single_user_of_an_embedded_server_is_not_limited(tmp_path: Path) -> None:
    app = create_app(load(DATA_DIRECTORY=tmp_path, RATE_LIMIT_SUBMIT="1 per minute"))
    client = app.test_client()
    assert {client.post(SUBMIT, json=[]).status_code for _ in range(5)} == {400}
    app.extensions["servicex"].close()


def test_production_server_without_accounts_limits_addresses(tmp_path: Path) -> None:
    app = create_app(load(DATA_DIRECTORY=tmp_path, RATE_LIMIT_SUBMIT="2 per minute",
                          SQLALCHEMY_DATABASE_URI="postgresql://nobody@127.0.0.1:1/x"))
    client = app.test_client()
    assert [client.post(SUBMIT, json=[]).status_code for _ in range(3)] == [400, 400, 429]
    app.extensions["servicex"].close()


@pytest.mark.parametrize("windows", [MemoryWindows(), SharedWindows(MemoryStorage())], ids=["memory", "shared"])
def test_window_moves(windows: Windows) -> None:
    rate = limits.parse("3 per second")
    assert [windows.wait(rate, "bob") for _ in range(3)] == [0, 0, 0]
    seconds = windows.wait(rate, "bob")
    assert 0 < seconds <= 2
    assert windows.wait(rate, "eve") == 0
    threading.Event().wait(seconds)
    assert windows.wait(rate, "bob") == 0


def test_memory_is_bounded_whoever_asks() -> None:
    windows, rate, dice = MemoryWindows(most_keys=500), limits.parse("5 per minute"), random.Random(1)
    assert [windows.wait(rate, "bob") for _ in range(6)][-1] > 0
    for _ in range(20_000):
        windows.wait(rate, str(dice.random()))
        assert windows.wait(rate, "bob") > 0, "who goes on asking is not forgotten"
    assert len(windows) <= 500


def test_many_at_once_get_no_more_than_the_rate() -> None:
    windows, rate, taken = MemoryWindows(), limits.parse("100 per minute"), []

    def ask() -> None:
        taken.extend(windows.wait(rate, "bob") == 0 for _ in range(50))
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), len(taken)) == (100, 400)


class Away(Storage, MovingWindowSupport):
    """A storage that does not answer."""

    STORAGE_SCHEME = ["away"]
    base_exceptions = ConnectionError

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise StorageError(ConnectionError("refused"))
    incr = get = get_expiry = check = reset = clear = acquire_entry = get_moving_window = _fail


def test_storage_that_is_away_hinders_nobody(caplog: pytest.LogCaptureFixture) -> None:
    windows = SharedWindows(Away())
    assert [windows.wait(limits.parse("1 per minute"), "bob") for _ in range(3)] == [0, 0, 0]
    assert "requests are not counted" in caplog.text
