"""Every page there is, as a user, as an administrator and without accounts; wide and narrow, light and dark.

The pages are those of the URL table: one that is added there is looked at here by itself. What stands in its URL has to
be in `FILLED_IN`, and one that shows no page of its own in `LEADS_ELSEWHERE`, with the reason.
"""
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser

from servicex.web import PAGES
from tests.browser.axe import problems
from tests.browser.site import GLOBUS_LABEL, INSTITUTE_LABEL, SignInSite, person
from tests.browser.test_people import make_profile
from tests.browser.window import Window
from tests.conftest import require
from tests.running_server import RunningServer, is_built
from tests.setup.places import axe_file

WAYS = ((1280, "light"), (360, "light"), (1280, "dark"), (360, "dark"))
PARAMETER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")
LEADS_ELSEWHERE = {
    "/sign-in/<string:provider>": "the provider's own page is no page of ours",
    "/auth-callback": "there is an answer to a sign-in only once",
    "/profile/new": "who has an account is led to the profile",
}
SELECTION = '[{"treename": "Events", "filter_name": "nMuon"}]'
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


def urls() -> list[str]:
    """The URLs of all pages that are looked at."""
    return [url for url, _, _, methods in PAGES if "GET" in methods and url not in LEADS_ELSEWHERE]


def fill(url: str, filled_in: dict[str, str]) -> str:
    """The URL with what stands in it; fails for what nobody has thought of."""
    missing = [name for name in PARAMETER.findall(url) if name not in filled_in]
    assert not missing, f"{url} needs {missing}: add it to what transforms and datasets of this test have"
    return PARAMETER.sub(lambda found: filled_in[found.group(1)], url)


def something_there(address: str, file: Path, headers: dict[str, str]) -> dict[str, str]:
    """Have one transform that fails and one that does not; gives what stands in URLs about the first."""
    def submit(title: str, path: Path) -> dict[str, str]:
        answer = requests.post(f"{address}/servicex/transformation", timeout=30, headers=headers, json={
            "title": title, "file-list": [str(path)], "codegen": "uproot-raw", "result-format": "parquet",
            "selection": SELECTION})
        assert answer.status_code == 200, answer.text
        record: dict[str, str] = answer.json()
        return record
    submit("Muons", file)
    failed = submit("A title that goes on and on, as people's titles do, without a place to break " + "x" * 60,
                    file.with_name("not_there.root"))
    # It has ended, or the pages of two looks would differ.
    requests.get(f"{address}/servicex/transformation/{failed['request_id']}/status?wait=30&since=none", timeout=40,
                 headers=headers)
    datasets = requests.get(f"{address}/servicex/datasets/{failed['did_id']}", timeout=30, headers=headers).json()
    return {"request_id": failed["request_id"], "dataset_id": str(failed["did_id"]),
            "file_id": str(datasets["files"][0]["id"])}


def look(window: Window, filled_in: dict[str, str], who: str, allowed: set[int],
         ways: Sequence[tuple[int, str]] = WAYS) -> list[str]:
    """Look at every page in these ways; gives what is wrong with any."""
    wrong = []
    for url in urls():
        answer = window.page.goto(window.site.address + fill(url, filled_in))
        assert answer is not None and answer.status in allowed, (url, answer and answer.status)
        for width, scheme in ways:
            window.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            window.page.set_viewport_size({"width": width, "height": 900})
            name = f"{url} as {who}, {width} px, {scheme}"
            wrong += [f"{name}: {problem}" for problem in problems(window.page)]
            if (overflow := window.page.evaluate(OVERFLOW)) > 0:
                wrong.append(f"{name}: {overflow} px wider than the window")
            window.picture(f"{who}{re.sub('[^a-z]+', '-', url)}-{width}-{scheme}")
    return wrong


@pytest.fixture(scope="module", autouse=True)
def axe_is_here() -> None:
    require(axe_file().is_file(), "axe-core is not here")


@pytest.fixture(scope="module")
def people(site: SignInSite) -> dict[str, str]:
    """A user with something there, and one who waits."""
    site.command("user", "create", "zoe", "zoe@example.org", "Zoe", "CERN", "--approved")
    site.command("user", "create", "wim", "wim@example.org", "Wim", "CERN")
    site.globus.people["zoe"] = person("Zoe", "zoe@example.org")
    token = site.command("user", "token", "zoe")
    access = requests.post(f"{site.address}/token/refresh", timeout=30,
                           headers={"Authorization": f"Bearer {token}"}).json()["access_token"]
    return something_there(site.address, site.files / "nano_dimuon.root", {"Authorization": f"Bearer {access}"})


@pytest.mark.timeout(300)
def test_every_page_is_fit_for_everybody_who_uses_the_server(window: Window, people: dict[str, str]) -> None:
    window.expected = {403}
    window.sign_in(GLOBUS_LABEL, "zoe")
    wrong = look(window, people, "user", {200, 403}, (WAYS[1], WAYS[2]))
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(300)
def test_every_page_is_fit_for_an_administrator(window: Window, people: dict[str, str]) -> None:
    window.sign_in(INSTITUTE_LABEL, "ada")
    if "/profile/new" in window.page.url:
        make_profile(window)
    wrong = look(window, people, "admin", {200})
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[RunningServer]:
    """A server without accounts."""
    require(is_built(), "the command servicex-app is not installed")
    folder = tmp_path_factory.mktemp("alone")
    (folder / "files").mkdir()
    with RunningServer(folder / "data", [folder / "files", samples]) as running:
        yield running


@pytest.mark.timeout(300)
def test_every_page_is_fit_without_accounts(chromium: Browser, alone: RunningServer, samples: Path) -> None:
    filled_in = something_there(alone.address, samples / "nano_dimuon.root", {})
    with Window(chromium, alone) as window:
        wrong = look(window, filled_in, "alone", {200})
        window.open("/apidoc")
        wrong += [*problems(window.page), *(["/apidoc is too wide"] if window.page.evaluate(OVERFLOW) > 0 else [])]
    assert not wrong, "\n".join(wrong)


def test_what_is_left_out_is_there() -> None:
    assert set(LEADS_ELSEWHERE) <= {url for url, _, _, _ in PAGES}
