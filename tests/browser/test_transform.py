"""One transform in a browser: a real one that failed, one of which a file failed, and hostile words."""
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from playwright.sync_api import Browser, expect

from tests.accounts.browsers import CSRF
from tests.browser.site import INSTITUTE_LABEL, SignInSite
from tests.browser.test_people import make_profile
from tests.browser.window import Window

SECONDS = 60.0
SELECTION = ("(call Select (call Where (call EventDataset 'bogus.root' 'Events') "
             "(lambda (list e) (> (attr e 'MET_pt') 25))) "
             "(lambda (list e) (dict (list 'pt' 'eta') (list (attr e 'Muon_pt') (attr e 'Muon_eta')))))")
HOSTILE = "<img src=x onerror=alert(1)> \u202eevil\u202c " + "W" * 300
WIDTHS = {"desk": 1280, "phone": 360}
PAGES = {"page": "", "files": "/results", "failures": "/failures", "logs": "/logs", "code": "/code"}


@pytest.fixture(params=WIDTHS)
def wide(request: pytest.FixtureRequest, chromium: Browser, site: SignInSite) -> Iterator[Window]:
    """A window as wide as a desk's or a phone's, in which the administrator is signed in."""
    with Window(chromium, site, width=WIDTHS[request.param]) as fresh:
        fresh.sign_in(INSTITUTE_LABEL, "ada")
        if "/profile/new" in fresh.page.url:
            make_profile(fresh)
        yield fresh


def run(window: Window, files: list[Path], **more: Any) -> str:
    """Have the signed-in person submit a transform and wait for its end; gives its request id."""
    asked, address = window.page.context.request, window.site.address
    csrf = CSRF.search(asked.get(f"{address}/sign-out").text())
    assert csrf
    answer = asked.post(f"{address}/servicex/transformation", headers={"X-CSRFToken": csrf.group(1)}, data={
        "file-list": [str(file) for file in files], "selection": SELECTION, "codegen": "uproot",
        "result-destination": "object-store", "result-format": "root-file", **more})
    assert answer.ok, answer.text()
    request_id = str(answer.json()["request_id"])
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        status = asked.get(f"{address}/servicex/transformation/{request_id}/status").json()
        if status["status"] in ("Complete", "Fatal"):
            return request_id
        time.sleep(0.2)
    raise AssertionError(status)


def without_muons(folder: Path) -> Path:
    """A file with the tree, but without the branch that the query reads."""
    path = folder / "without_muons.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"MET_pt": "float64", "Muon_eta": "float64"})
        file["Events"].extend({"MET_pt": np.arange(50.0), "Muon_eta": np.arange(50.0)})
    return path


def look(window: Window, request_id: str, name: str) -> None:
    """See that nothing is wider than the window on any page of the transform."""
    for page, more in PAGES.items():
        window.open(f"/transformation-request/{request_id}{more}")
        for scheme in ("light", "dark") if page == "page" else ("light",):
            window.page.emulate_media(color_scheme=scheme)
            window.picture(f"{name}-{page}-{window.page.viewport_size['width']}-{scheme}")
        window.page.emulate_media(color_scheme="light")
        widths = window.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1], (name, page, widths)


def test_failed_transform_says_why_above_the_fold(wide: Window, site: SignInSite) -> None:
    request_id = run(wide, [without_muons(site.files)], title="All muons")
    wide.open(f"/transformation-request/{request_id}")
    alert = wide.page.get_by_role("alert")
    expect(alert).to_contain_text("Muon_pt")
    expect(alert).to_contain_text("Look for a typing error")
    box = alert.bounding_box()
    assert box and box["y"] + box["height"] < 900, "one has to scroll to see why"
    wide.sees("no branch `Muon_pt` in tree `Events`")
    look(wide, request_id, "failed")


def test_transform_of_which_a_file_failed(wide: Window, site: SignInSite) -> None:
    request_id = run(wide, [site.files / "nano_dimuon.root", without_muons(site.files)], title="Some muons")
    wide.open(f"/transformation-request/{request_id}")
    wide.sees("1 of 2 files failed.")
    wide.page.get_by_text("Example: file").first.click()
    wide.sees("Stack trace")
    expect(wide.page.get_by_role("img", name="Files over time")).to_be_visible()
    with wide.page.expect_download() as download:
        wide.page.get_by_role("link", name="Files over time as PNG").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    wide.follow("Failures")
    wide.follow("The files that failed")
    wide.sees("without_muons.root")
    wide.follow("Some muons")
    wide.follow("Generated code")
    wide.sees("transform_single_file.py")
    look(wide, request_id, "partly")


def test_hostile_title_does_no_harm(wide: Window, site: SignInSite) -> None:
    request_id = run(wide, [site.files / "nano_dimuon.root"], title=HOSTILE)
    wide.open(f"/transformation-request/{request_id}")
    expect(wide.page.locator("h1 img")).to_have_count(0)
    expect(wide.page.locator("h1")).to_contain_text("<img src=x")
    look(wide, request_id, "hostile")


def test_program_on_the_page_fetches_the_results(window: Window, site: SignInSite, client_bin: Path,
                                                 tmp_path: Path) -> None:
    window.sign_in(INSTITUTE_LABEL, "ada")
    if "/profile/new" in window.page.url:
        make_profile(window)
    request_id = run(window, [site.files / "nano_dimuon.root"])
    window.open("/.servicex")
    with window.page.expect_download() as download:
        window.press("Download servicex.yaml")
    (tmp_path / "servicex.yaml").write_bytes(download.value.path().read_bytes())
    window.open(f"/transformation-request/{request_id}")
    program = window.page.locator("pre.code", has_text="MinioAdapter").inner_text()
    ran = subprocess.run([client_bin / "python", "-c", program], cwd=tmp_path, timeout=100, capture_output=True,
                         text=True, env={"PATH": f"{client_bin}:/usr/bin:/bin", "HOME": str(tmp_path)})
    assert ran.returncode == 0, ran.stderr
    (result,) = (tmp_path / "results").iterdir()
    with uproot.open(result) as file:
        assert file[file.keys()[0]].num_entries > 0
