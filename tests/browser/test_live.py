"""What the script for live pages does in a real browser, on a page of the test's own at the server's address."""
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Route, expect

from tests.browser.window import Window
from tests.conftest import require
from tests.live.streams import Streams
from tests.live.test_events import Slow
from tests.running_server import RunningServer, is_built

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Live</title>
<script type="module" src="/static/live.js"></script></head><body><main id="main">{rows}</main></body></html>"""
ROW = """<div data-live="{id}" data-live-title="Muons"{more}><p id="status-{id}">Submitted</p>
<div id="progress-{id}"><progress id="progress-bar-{id}" aria-label="Progress"></progress></div>
<p><span id="files-completed-{id}">?</span> of <span id="files-total-{id}">?</span>,
<span id="files-failed-{id}">?</span> failed, left <span id="time-left-{id}">?</span>, workers
<span id="replicas-{id}">?</span>, ended <span id="finish-time-{id}">?</span></p>
<p id="failure-{id}"></p><button id="cancel-{id}">Cancel</button></div>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that holds two streams."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("live-pages")
    (folder / "files").mkdir()
    with RunningServer(folder / "data", [folder / "files"], workers=4, environment={
            "MOST_STREAMS": "2", "STREAM_HEARTBEAT_SECONDS": "1"}) as running:
        yield running


@pytest.fixture
def live_window(chromium: Browser, server: RunningServer) -> Iterator[Window]:
    with Window(chromium, server) as fresh:
        yield fresh


def show(window: Window, *transforms: Slow, more: str = "") -> list[str]:
    """Open a page that watches these; gives what it is asked for from then on."""
    policy = requests.get(f"{window.site.address}/about", timeout=10).headers["Content-Security-Policy"]
    rows = "".join(ROW.format(id=one.request_id, more=more) for one in transforms)
    opened: list[str] = []

    def answer(route: Route) -> None:
        opened.append(route.request.url)
        route.fulfill(body=PAGE.format(rows=rows), content_type="text/html",
                      headers={"Content-Security-Policy": policy})
    window.page.route("**/the-page-of-this-test", answer)
    window.open("/the-page-of-this-test")
    return opened


def text(window: Window, word: str, transform: Slow) -> str:
    return window.page.locator(f"[id='{word}-{transform.request_id}']").inner_text()


def test_what_changes_is_shown_and_said(live_window: Window, server: RunningServer) -> None:
    first, second = Slow(server, "shown-first"), Slow(server, "shown-second")
    show(live_window, first, second)
    status = live_window.page.locator(f"[id='status-{first.request_id}']")
    expect(status).to_have_text("Running")
    expect(live_window.page.locator(f"[id='replicas-{first.request_id}']")).to_have_text("1/1")
    assert text(live_window, "files-total", first) == "1"
    first.end()
    expect(status).to_have_text("Fatal")
    expect(live_window.page.get_by_role("status")).to_have_text("Muons: Fatal")
    assert "the test said so" in text(live_window, "failure", first)
    assert text(live_window, "files-failed", first) == "1"
    assert text(live_window, "finish-time", first).startswith("20")
    expect(live_window.page.locator(f"[id='cancel-{first.request_id}']")).to_be_hidden()
    expect(live_window.page.locator(f"[id='progress-{first.request_id}']")).to_be_hidden()
    assert text(live_window, "status", second) == "Running"
    second.end()
    expect(live_window.page.locator(f"[id='status-{second.request_id}']")).to_have_text("Fatal")


def test_page_that_asks_for_it_is_loaded_again_once(live_window: Window, server: RunningServer) -> None:
    transform = Slow(server, "loaded-again")
    opened = show(live_window, transform, more=" data-live-reload")
    expect(live_window.page.locator(f"[id='status-{transform.request_id}']")).to_have_text("Running")
    transform.end()
    expect(live_window.page.locator(f"[id='status-{transform.request_id}']")).to_have_text("Fatal")
    live_window.page.wait_for_timeout(1500)
    assert len(opened) == 2


def test_without_a_stream_it_asks_now_and_then(live_window: Window, server: RunningServer) -> None:
    transform = Slow(server, "no-stream")
    live_window.expected = {503}
    asked: list[str] = []
    with Streams(server.address, f"{transform.path}/events", 2) as streams:
        streams.wait_for(b"event: state")
        live_window.page.on("request", lambda request: asked.append(request.url))
        show(live_window, transform)
        expect(live_window.page.locator(f"[id='status-{transform.request_id}']")).to_have_text("Running")
        assert any("/states?" in url for url in asked)
        transform.end()
        expect(live_window.page.locator(f"[id='status-{transform.request_id}']")).to_have_text("Fatal")


def test_hidden_page_listens_no_more(live_window: Window, server: RunningServer, tmp_path: Path) -> None:
    transform = Slow(server, "hidden")
    show(live_window, transform)
    status = live_window.page.locator(f"[id='status-{transform.request_id}']")
    expect(status).to_have_text("Running")
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});" \
           " document.dispatchEvent(new Event('visibilitychange')); }"
    live_window.page.evaluate(hide, True)
    transform.end()
    live_window.page.wait_for_timeout(2500)
    assert status.inner_text() == "Running"
    live_window.page.evaluate(hide, False)
    expect(status).to_have_text("Fatal")
