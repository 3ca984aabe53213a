"""The audit log: who did what, to whom, from where."""
from servicex.services.accounts import Profile
from servicex.services.caller import Caller
from tests.accounts.browsers import Browser, identity
from tests.accounts.people import ADMIN_EMAIL, Site

BOB, ADA = "Bob (bob@example.org)", "Ada (ada@example.org)"


def entries(site: Site) -> list[tuple[str, str, str]]:
    """Who, what, to whom; oldest first, without what making the site wrote."""
    found = [(entry.who, entry.action, entry.subject) for entry in site.parts.audit_log.entries(1000)]
    return found[::-1][1:]


def test_what_people_do_is_written_down(site: Site) -> None:
    site.person("bob", approved=False)
    admin = Browser(site, identity("ada", ADMIN_EMAIL))
    bob = site.parts.accounts.of_sub("bob")
    admin.post(f"/admin/accounts/{bob.id}/approve")
    browser = Browser(site, identity("bob"))
    browser.post("/api-token", {"name": "laptop"})
    token = site.parts.api_tokens.of_user(bob.id)[0]
    browser.post(f"/api-token/{token.id}/revoke")
    browser.post("/profile/edit", {"name": "Bob", "email": "b@example.org", "institution": "X", "experiment": "CMS"})
    admin.post(f"/admin/accounts/{bob.id}/admin", {"admin": "yes"})
    admin.post(f"/admin/accounts/{bob.id}/admin", {"admin": "no"})
    browser.post("/sign-out")
    admin.post(f"/admin/accounts/{bob.id}/delete")
    assert entries(site) == [
        ("the command line", "made the account", BOB), (ADA, "signed in", "test"), (ADA, "approved", BOB),
        (BOB, "signed in", "test"), (BOB, "made the token", "laptop"), (BOB, "revoked the token", "laptop"),
        (BOB, "changed the profile", BOB), (ADA, "made an administrator", BOB),
        (ADA, "made no administrator any more", BOB), (BOB, "signed out", "test"), (ADA, "removed the account", BOB)]
    assert {entry.address for entry in site.parts.audit_log.entries(10)} == {"127.0.0.1"}


def test_what_administrators_do_to_others_things_is_written_down(site: Site) -> None:
    site.person("bob")
    first, second = site.submit(site.access_token("bob")), site.submit(site.access_token("bob"), "/other.root")
    site.ask("POST", f"/servicex/transformation/{second}/cancel", site.access_token("bob"))
    before = len(entries(site))
    site.ask("POST", f"/servicex/transformation/{first}/cancel", site.access_token("ada"))
    site.ask("DELETE", f"/servicex/transformation/{second}", site.access_token("ada"))
    assert entries(site)[before:] == [(ADA, "canceled the transform", first), (ADA, "deleted the transform", second)]


def test_nothing_is_written_down_of_what_did_not_happen(site: Site) -> None:
    before = len(entries(site))
    answer = site.ask("DELETE", "/users/1", site.access_token("ada"))
    assert answer.status_code == 400 and len(entries(site)) == before


def test_page_shows_the_newest_first_and_older_ones_on_demand(site: Site) -> None:
    for number in range(150):
        site.parts.accounts.change_profile(
            Caller(1, True, f"visitor {number}", "192.0.2.7"), 1, Profile("Ada", ADMIN_EMAIL, "CERN"))
    browser = Browser(site, identity("ada", ADMIN_EMAIL))
    page = browser.get("/admin/audit").text
    assert "visitor 149" in page and "192.0.2.7" in page and "visitor 20<" not in page
    older = page.split('href="/admin/audit?before=')[1].split('"')[0]
    assert "visitor 20<" in browser.get(f"/admin/audit?before={older}").text
