"""People who come in several browsers or programs at the same moment, on each engine."""
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from servicex.models import User
from tests.accounts.browsers import identity
from tests.accounts.people import Site

BROWSERS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A server that lets in whoever is known to be of example.org."""
    url = {"SQLALCHEMY_DATABASE_URI": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    made = Site(tmp_path / "site", AUTO_APPROVE_DOMAINS=["example.org"], **url)
    yield made
    made.close()


def at_once(act: Callable[[], User | None]) -> list[int]:
    """The accounts that each of several gets who do the same at one moment."""
    begin = Barrier(BROWSERS)

    def do() -> int:
        begin.wait(10)
        user = act()
        assert user is not None
        return user.id
    with ThreadPoolExecutor(BROWSERS) as pool:
        return [running.result(30) for running in [pool.submit(do) for _ in range(BROWSERS)]]


def test_first_sign_in_in_several_browsers(site: Site) -> None:
    bob = site.person("bob")
    assert at_once(lambda: site.parts.sign_ins.begin(identity("bob"), "192.0.2.1")[1]) == [bob.id] * BROWSERS
    assert len(site.parts.sign_ins.identities(bob.id)) == 1


def test_first_requests_of_several_programs_with_an_issuers_token(site: Site) -> None:
    accounts = at_once(lambda: site.parts.sign_ins.account_of(identity("eve")))
    assert len(set(accounts)) == 1
    assert [user.sub for user in site.parts.accounts.all()].count("eve") == 1
