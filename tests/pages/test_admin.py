"""The administrators' page and those beside it: what they say, to whom, and what they cost at every size."""
import re
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, null, update

from servicex.models import Notice, TransformControl, TransformRequest
from servicex.models.base import now
from servicex.services.health import HealthReport
from servicex.services.overview import Controllers, OverviewService
from servicex.services.transactions import Transactions
from servicex.settings import InvalidSettings, load
from servicex.web.overview import ADVICE, health, size
from tests.accounts.browsers import Browser, identity
from tests.accounts.people import ADMIN_EMAIL, Site
from tests.live.conftest import statements
from tests.pages.bulk import Size, fill
from tests.databases import migrated

# Three times what a page may take.
MOST_SECONDS = 0.15
MONITOR, LOGS = "https://grafana.example.org/d/1?kiosk", "https://kibana.example.org:5601"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, MONITOR_URL=MONITOR, LOGS_URL=LOGS)
    yield made
    made.close()


@pytest.fixture
def ada(site: Site) -> Browser:
    return Browser(site, identity("ada", ADMIN_EMAIL))


def test_parts_that_are_away_come_with_what_to_do() -> None:
    report = HealthReport(False, {"database": "ok", "broker": "RabbitMQ does not answer"})
    database, broker, controller = health(report, Controllers(at_work=0, left_alone=3))
    assert database.fine and not database.advice
    assert (broker.fine, broker.words, broker.advice) == (False, "RabbitMQ does not answer", ADVICE["broker"])
    assert not controller.fine and "3 transforms" in controller.words and "servicex-app controller" in controller.advice
    assert health(report, Controllers(at_work=2, left_alone=3))[-1].fine, "those wait for their turn"


@pytest.mark.parametrize("number, words", [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2.5e9, "2.5 GB"),
                                           (1.23e11, "123 GB"), (5e18, "5000 PB")])
def test_sizes_are_for_people(number: float, words: str) -> None:
    assert size(number) == words


def test_administrator_sees_who_runs_what_fails_and_waits(site: Site, ada: Browser) -> None:
    site.person("user")
    site.person("late", approved=False)
    failing, running = (site.submit(site.access_token("user"), name) for name in ("failing", "running"))
    with site.parts.transactions.write() as session:
        session.execute(update(TransformRequest).where(TransformRequest.request_id == failing).values(
            status="fatal", failure_description="no <b>branch</b> Muon_pt", total_bytes=1_500_000, finish_time=now()))
        session.add(Notice(channel="mail", content="{}", attempts=8, next_attempt_at=null(), failure="refused"))
    page = ada.get("/admin").text
    for words in ("no &lt;b&gt;branch&lt;/b&gt; Muon_pt", running, "1.5 MB", "1 waiting", "refused", "given up", "User",
                  "Database:</strong> answers"):
        assert words in page, words
    assert "<b>branch" not in page


def test_left_alone_transforms_are_noticed(site: Site) -> None:
    site.person("user")
    request_id = site.submit(site.access_token("user"))
    overview = OverviewService(site.parts.transactions)
    assert overview.read().controllers == Controllers(0, 0)
    with site.parts.transactions.write() as session:
        session.execute(update(TransformRequest).where(TransformRequest.request_id == request_id).values(
            submit_time=now() - timedelta(minutes=5)))
    assert overview.read().controllers == Controllers(0, 1)
    with site.parts.transactions.write() as session:
        session.execute(update(TransformControl).values(lease_owner="c", lease_until=now() + timedelta(seconds=20)))
    assert overview.read().controllers == Controllers(1, 0)


def test_nobody_else_sees_it(site: Site) -> None:
    site.person("user")
    assert Browser(site, identity("user")).get("/admin").status_code == 403
    assert Browser(site).get("/admin").status_code == 302


def test_framed_pages_are_for_users_and_allowed_by_the_policy(site: Site, ada: Browser) -> None:
    for path, url in (("/monitor", MONITOR), ("/logs", LOGS)):
        assert Browser(site).get(path).headers["Location"] == "/sign-in"
        answer = ada.get(path)
        assert re.search(f'<iframe[^>]* src="{re.escape(url)}"', answer.text)
        assert ("frame-src https://grafana.example.org https://kibana.example.org:5601"
                in answer.headers["Content-Security-Policy"])
        assert f'href="{path}"' in ada.get("/").text
        assert f'href="{path}"' not in Browser(site).get("/").text


def test_clients_are_told_where_logs_are(site: Site) -> None:
    site.person("user")
    token = site.access_token("user")
    answer = site.ask("GET", f"/servicex/transformation/{site.submit(token)}", token)
    assert answer.json["log-url"] == LOGS


def test_what_is_not_configured_is_said_in_words(tmp_path: Path) -> None:
    made = Site(tmp_path)
    try:
        browser = Browser(made, identity("ada", ADMIN_EMAIL))
        assert "MONITOR_URL" in browser.get("/monitor").text and "iframe" not in browser.get("/monitor").text
        assert 'href="/logs"' not in browser.get("/").text
        assert "frame-src" not in browser.get("/").headers["Content-Security-Policy"]
    finally:
        made.close()


@pytest.mark.parametrize("url", ["http://logs.example.org", "https://logs.example.org; script-src *", "https://l.org,b",
                                 "https://user:password@logs.example.org", "javascript:alert(1)"])
def test_addresses_that_cannot_be_framed_are_refused(url: str) -> None:
    with pytest.raises(InvalidSettings, match="LOGS_URL: .*must be an https:// address"):
        load(LOGS_URL=url)


def test_about_shows_the_versions_that_are_known(tmp_path: Path) -> None:
    made = Site(tmp_path, CHART="1.9.9", APP_IMAGE_TAG="2.0.1", DID_RUCIO_FINDER_TAG="v7")
    try:
        page = Browser(made).get("/about").text
        for words in ("ServiceX version: 1.9.9", "<td>App</td><td>2.0.1</td>", "<td>DID Finder Rucio</td><td>v7</td>",
                      "uproot-raw"):
            assert words in page
        assert "Open Data" not in page
    finally:
        made.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A hundred thousand transforms, on each engine."""
    if request.param == "sqlite":
        with migrated(f"sqlite:///{tmp_path_factory.mktemp('many')}/test.sqlite") as engine:
            fill(engine, Size.MANY)
            yield engine
        return
    with request.getfixturevalue("postgres").database() as url, migrated(url) as engine:
        fill(engine, Size.MANY)
        yield engine


def test_reading_it_takes_few_statements_and_little_time(many: Engine) -> None:
    overview = OverviewService(Transactions(many))
    first = overview.read()
    assert first.failed and first.stored and first.shares
    with statements(many) as seen:
        overview.read()
    assert len([one for one in seen if one.startswith("SELECT")]) <= 8, seen
    taken = []
    for _ in range(5):
        begun = time.monotonic()
        overview.read()
        taken.append(time.monotonic() - begun)
    assert statistics.median(taken) < MOST_SECONDS
