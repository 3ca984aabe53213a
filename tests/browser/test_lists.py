"""The dashboards and the datasets in a real browser, wide and narrow."""
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.site import INSTITUTE_LABEL, SignInSite
from tests.browser.window import Window
from tests.conftest import require
from tests.databases import migrated
from tests.pages.bulk import Size, fill, request_id
from tests.running_server import is_built

WIDTHS = [1280, 360]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInSite]:
    """A server with 50 transforms; `ada` is its administrator."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("lists")
    (folder / "files").mkdir()
    (folder / "data").mkdir()
    with migrated(f"sqlite:///{folder}/data/servicex.sqlite") as engine:
        fill(engine, Size.FEW)
    with SignInSite(folder) as running:
        yield running


@pytest.fixture(params=WIDTHS)
def view(request: pytest.FixtureRequest, chromium: Browser, site: SignInSite) -> Iterator[Window]:
    """A window of each width in which the administrator is signed in."""
    with Window(chromium, site, width=request.param) as window:
        window.sign_in(INSTITUTE_LABEL, "ada")
        yield window


def fits(window: Window) -> None:
    """Nothing sticks out of the window: wide tables scroll in their own box."""
    wide, there = window.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= there, f"{window.page.url} is {wide} pixels wide in a window of {there}"


def width(window: Window) -> int:
    size = window.page.viewport_size
    return size["width"] if size else 0


def test_lists_fit_and_lead_on(view: Window, site: SignInSite) -> None:
    assert view.page.url == f"{site.address}/dashboard", "where one lands after signing in"
    for scheme in ("light", "dark"):
        view.page.emulate_media(color_scheme=scheme)
        for name, path in (("dashboard", "/dashboard"), ("all", "/global-dashboard"), ("datasets", "/datasets"),
                           ("nothing", "/dashboard?search=no such thing")):
            view.open(path)
            fits(view)
            view.picture(f"{name}-{width(view)}-{scheme}")
    view.open("/global-dashboard")
    view.follow("Next")
    expect(view.page.get_by_role("link", name="Previous")).to_be_visible()
    view.page.get_by_label("Search").fill(request_id(2))
    view.page.keyboard.press("Enter")
    expect(view.page.locator("tbody tr")).to_have_count(1)


def test_transform_is_canceled_by_the_keyboard(view: Window) -> None:
    view.open("/global-dashboard?state=running")
    button = view.page.get_by_role("button", name="Cancel:").first
    button.focus()
    view.page.keyboard.press("Enter")
    view.sees("was canceled. The results it has so far stay.")
    fits(view)
