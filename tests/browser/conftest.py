"""A real browser, and a server with accounts at which people sign in by Globus or by their institute."""
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.site import SignInSite
from tests.browser.window import Window
from tests.conftest import require
from tests.running_server import is_built


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[SignInSite]:
    """The server with its providers, and one NanoAOD file that it may read."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("site")
    (folder / "files").mkdir()
    shutil.copy(samples / "nano_dimuon.root", folder / "files")
    with SignInSite(folder) as running:
        yield running


@pytest.fixture
def window(chromium: Browser, site: SignInSite) -> Iterator[Window]:
    """A fresh window, without cookies. At the end no page may have complained or asked anybody but the site."""
    with Window(chromium, site) as fresh:
        yield fresh


@pytest.fixture
def other_window(chromium: Browser, site: SignInSite) -> Iterator[Window]:
    """A window of somebody else's."""
    with Window(chromium, site) as fresh:
        yield fresh
