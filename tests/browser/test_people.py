"""What a person does in a browser, from signing in to the real client's columns."""
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
import requests
import yaml
from playwright.sync_api import expect

from tests.browser.site import GLOBUS_LABEL, INSTITUTE_LABEL, SignInSite, person
from tests.browser.window import Window
from tests.e2e.contents import COLUMNS, delivered_rows, raw_rows
from tests.e2e.real_client import RealClient
from tests.running_server import COMMAND

CODE = re.compile(r"type in the code ([A-Z]+)")


def make_profile(window: Window) -> None:
    """Fill in what the provider did not say."""
    window.page.get_by_label("Institution").fill("Institute of Examples")
    window.page.get_by_label("Experiment").select_option("CMS")
    window.press("Save Profile")


def sign_up(window: Window, sub: str, provider: str = GLOBUS_LABEL) -> None:
    """Sign in for the first time, and make a profile."""
    window.sign_in(provider, sub)
    make_profile(window)
    window.sees("Profile created!")


def approve(window: Window, name: str) -> None:
    """Approve somebody, as the administrator."""
    window.sign_in(INSTITUTE_LABEL, "ada")
    if "/profile/new" in window.page.url:
        make_profile(window)
    window.follow("Accounts")
    window.picture("accounts")
    window.press(f"Approve: {name}")
    window.sees(f"{name} (")


def test_from_signing_in_to_columns_and_out_again(window: Window, other_window: Window, site: SignInSite,
                                                  client_bin: Path, tmp_path: Path) -> None:
    site.globus.people["bob-at-cern"] = person("Bob Boson", "bob@cern.example.org")
    window.open("/")
    window.picture("home")
    window.follow("Sign in")
    window.picture("sign-in")
    window.follow(GLOBUS_LABEL)
    window.page.get_by_label("Who are you?").fill("bob-at-cern")
    window.press("Sign in")
    expect(window.page.get_by_label("Full Name")).to_have_value("Bob Boson")
    expect(window.page.get_by_label("Email")).to_have_value("bob@cern.example.org")
    window.picture("profile-new")
    make_profile(window)
    window.sees("Your account waits for approval")
    window.picture("profile-pending")

    approve(other_window, "Bob Boson")
    window.open("/profile")
    expect(window.page.get_by_text("waits for approval")).to_have_count(0)
    window.follow("Get servicex.yaml")
    window.picture("servicex-file")
    with window.page.expect_download() as download:
        window.press("Download servicex.yaml")
    assert download.value.suggested_filename == "servicex.yaml"
    configuration = download.value.path().read_text()
    mine = RealClient(client_bin, tmp_path / "bob", site.address, configuration=configuration)
    source = site.files / "nano_dimuon.root"
    sample = [{"name": "mine", "query": "raw", "files": [str(source)]}]
    (item,) = mine.deliver(sample)["mine"]["items"]
    assert delivered_rows(item, COLUMNS["raw"], tmp_path) == raw_rows(source)

    window.open("/profile")
    window.sees("servicex.yaml of")
    window.picture("profile")
    window.press("Revoke the token servicex.yaml of")
    window.sees("The token was revoked.")
    refused = RealClient(client_bin, tmp_path / "again", site.address, configuration=configuration)
    with pytest.raises(AssertionError, match="401|outdated|Not authorized"):
        answer = refused.begin(sample).wait()["LocalCache"]["mine"]
        assert "error" not in answer, answer["error"]

    window.follow("Sign out")
    window.press("Sign out")
    window.page.wait_for_url(re.compile(re.escape(site.globus.url) + "/v2/web/logout.*"))
    window.open("/profile")
    assert window.page.url == f"{site.address}/sign-in"


def test_institutes_identity_provider_signs_people_in_too(window: Window, site: SignInSite) -> None:
    site.institute.people["carol"] = person("Carol", "carol@institute.example.org")
    sign_up(window, "carol", INSTITUTE_LABEL)
    window.sees("carol@institute.example.org")
    assert site.institute.asked("/token"), "the code was exchanged by the server"


def test_who_denies_is_told_and_not_signed_in(window: Window, site: SignInSite) -> None:
    window.open("/sign-in")
    window.follow(INSTITUTE_LABEL)
    window.press("Deny")
    window.sees("You could not be signed in: The person did not want to.")
    window.picture("denied")
    assert window.open("/profile").url == f"{site.address}/sign-in"


def test_answer_to_a_sign_in_that_was_not_begun_here_is_refused(window: Window, site: SignInSite) -> None:
    window.expected = {400}
    begun = requests.get(f"{site.address}/sign-in/institute", timeout=10, allow_redirects=False)
    answer = requests.post(begun.headers["Location"], data={"sub": "mallory"}, timeout=10, allow_redirects=False)
    window.page.goto(answer.headers["Location"])
    window.sees("was not begun in this browser")
    window.picture("error")
    assert window.open("/profile").url == f"{site.address}/sign-in"


def test_linked_identity_leads_to_the_same_account(window: Window, other_window: Window, site: SignInSite) -> None:
    site.globus.people["dora"] = person("Dora", "dora@example.org")
    site.institute.people["dora-here"] = person("Dora", "d.d@institute.example.org")
    sign_up(window, "dora")
    window.press(f"Link an identity: {INSTITUTE_LABEL}")
    window.page.get_by_label("Who are you?").fill("dora-here")
    window.press("Sign in")
    window.sees("The identity was linked")
    window.picture("profile-linked")
    other_window.sign_in(INSTITUTE_LABEL, "dora-here")
    other_window.sees("dora@example.org")


def test_program_on_the_command_line_is_let_in_by_a_browser(window: Window, site: SignInSite, tmp_path: Path) -> None:
    site.command("user", "create", "eve", "eve@example.org", "Eve", "CERN", "--approved")
    site.globus.people["eve"] = person("Eve", "eve@example.org")
    file = tmp_path / "servicex.yaml"
    program = subprocess.Popen([str(COMMAND), "sign-in", site.address, "--file", str(file)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        assert program.stdout is not None
        said = program.stdout.readline()
        code = CODE.search(said)
        assert code, said
        window.open("/device")
        window.sign_in(GLOBUS_LABEL, "eve")
        window.page.get_by_label("The code that the program shows").fill(code.group(1))
        window.press("Go on")
        window.sees("servicex-app on")
        window.picture("device")
        window.press("Let it in")
        window.sees("The program has access now.")
        assert program.wait(60) == 0, program.stdout.read()
    finally:
        program.kill()
        program.wait()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    entry = yaml.safe_load(file.read_text())["api_endpoints"][0]
    answer = requests.post(f"{entry['endpoint']}token/refresh", headers={"Authorization": f"Bearer {entry['token']}"},
                           timeout=10)
    assert answer.status_code == 200
    again = subprocess.run([str(COMMAND), "sign-in", site.address, "--file", str(file)], capture_output=True, text=True,
                           timeout=60)
    assert again.returncode != 0 and "is there already" in again.stderr


def test_administrators_pages(window: Window, site: SignInSite) -> None:
    site.command("user", "create", "frank", "frank@example.org", "Frank", "CERN", "--approved")
    window.sign_in(INSTITUTE_LABEL, "ada")
    if "/profile/new" in window.page.url:
        make_profile(window)
    window.follow("Accounts")
    window.press("Make administrator: Frank")
    window.sees("is an administrator now")
    window.press("Administrator no more: Frank")
    window.press("Remove: Frank")
    window.sees("The account was removed.")
    window.follow("Audit log")
    window.sees("removed the account")
    window.picture("audit")
