"""A window of a real browser, as a person uses it."""
import os
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

from tests.running_server import RunningServer

# Where pictures of pages go, if anybody wants to look at them.
PICTURES = os.environ.get("SERVICEX_TEST_PICTURES")
SECONDS = 20


class Window:
    """A window without a past. Leaving it fails if a page of the server complained or asked for anything elsewhere."""

    def __init__(self, browser: Browser, site: RunningServer, width: int = 1280, height: int = 900):
        self._context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self._context.set_default_timeout(SECONDS * 1000)
        expect.set_options(timeout=SECONDS * 1000)
        self.page: Page = self._context.new_page()
        self.site = site
        self.faults: list[str] = []
        self.expected: set[int] = set()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"an error in a script: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def open(self, path: str) -> Page:
        """Go to a page of the server."""
        self.page.goto(self.site.address + path)
        return self.page

    def press(self, name: str) -> Page:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name).click()
        return self.page

    def follow(self, name: str, exact: bool = False) -> Page:
        """Follow the link of that name."""
        self.page.get_by_role("link", name=name, exact=exact).first.click()
        return self.page

    def sign_in(self, provider: str, sub: str) -> Page:
        """Sign in as somebody, from the home page on."""
        self.open("/sign-in")
        self.follow(provider)
        self.page.get_by_label("Who are you?").fill(sub)
        return self.press("Sign in")

    def picture(self, name: str) -> None:
        """Take a picture of the whole page, if anybody wants to look at it."""
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)

    def sees(self, text: str) -> None:
        """Fail unless the page shows that text."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def _ours(self) -> bool:
        return self.page.url.startswith(self.site.address)

    def _said(self, message: ConsoleMessage) -> None:
        # What the browser says of an answer's status is counted by that status.
        if message.type in ("error", "warning") and self._ours() and "status of" not in message.text:
            self.faults.append(f"{self.page.url} says: {message.text}")

    def _asked(self, request: Request) -> None:
        elsewhere = urlsplit(request.url).netloc != urlsplit(self.site.address).netloc
        if elsewhere and not request.is_navigation_request() and self._ours():
            self.faults.append(f"{self.page.url} asks for {request.url}")

    def _answered(self, response: Response) -> None:
        ours = response.url.startswith(self.site.address)
        if ours and response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.url} answers {response.status}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._context.close()
        if error is None:
            assert not self.faults, "\n".join(self.faults)
