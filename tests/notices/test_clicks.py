"""The buttons in Slack: who may use them, what they do, and where answers go."""
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from servicex.api.slack import LARGEST_BODY
from servicex.errors import BadRequest
from servicex.services.accounts import Profile
from servicex.services.audit import AuditLog
from servicex.services.caller import COMMAND_LINE
from tests.notices.slack_app import SECRET, Signed, signed
from tests.notices.world import World, world
from tests.stand_in import Reply, StandIn


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One server, where `bob` waits for approval and Slack knows of it, for tests that change nothing."""
    with world(tmp_path_factory.mktemp("shared") / "site") as made:
        made.site.person("bob", approved=False)
        made.send()
        yield made


def nothing_was_done(there: World) -> bool:
    """Whether all is as it was."""
    bob = there.user("bob")
    return bob is not None and bob.pending is True and len(there.rows()) == 1 == len(there.slack.server.requests)


CLICK = urlencode({"payload": "{}"}).encode()


def entries(here: World) -> list[tuple[str, str, str]]:
    """The audit log without what the test's own set-up did, newest first."""
    log = AuditLog(here.site.parts.transactions).entries(10)
    return [(entry.who, entry.action, entry.address) for entry in log if entry.who.startswith("slack:")]


def test_approval_by_button(anywhere: World) -> None:
    anywhere.site.person("bob", approved=False)
    anywhere.send()
    (message,) = anywhere.slack.messages
    button = message["blocks"][1]["elements"][0]
    answer = anywhere.post(anywhere.slack.click(button["action_id"], button["value"], message))
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"", "text/html")
    assert anywhere.user("bob").pending is False  # type: ignore[union-attr]
    assert anywhere.slack.replies == [], "Slack waits for the answer three seconds; the reply comes after it"
    anywhere.send()
    assert anywhere.slack.replies == [{"blocks": [message["blocks"][0], {
        "type": "context", "elements": [{"type": "mrkdwn", "text": "Approved by <@U012AB3CD>"}]}],
        "replace_original": True}]
    assert len(anywhere.mailgun.mails) == 1
    assert entries(anywhere) == [("slack:U012AB3CD (ada)", "approved", "127.0.0.1")]


def test_rejection_by_button(anywhere: World) -> None:
    """B21: an earlier server answered 500."""
    anywhere.site.person("bob", approved=False)
    anywhere.send()
    (message,) = anywhere.slack.messages
    button = message["blocks"][1]["elements"][1]
    assert anywhere.post(anywhere.slack.click(button["action_id"], button["value"], message)).status_code == 200
    anywhere.send()
    assert anywhere.user("bob") is None and anywhere.mailgun.mails == []
    (reply,) = anywhere.slack.replies
    assert reply["blocks"][1]["elements"][0]["text"] == "Denied by <@U012AB3CD>"
    assert entries(anywhere) == [("slack:U012AB3CD (ada)", "rejected", "127.0.0.1")]


def test_repeated_clicks_change_nothing_more(here: World) -> None:
    here.site.person("bob", approved=False)
    click = here.slack.click("accept_user", "bob@example.org")
    assert [here.post(click).status_code for _ in range(3)] == [200] * 3
    late = here.post(here.slack.click("reject_user", "bob@example.org"))
    here.send()
    assert late.status_code == 404 and here.user("bob") is not None, "who was approved is not removed by a late click"
    assert len(here.mailgun.mails) == 1 and len(entries(here)) == 1
    assert here.slack.replies[-1]["text"] == "No user waits for approval with email: bob@example.org"


@pytest.mark.parametrize("action, words", [("accept_user", "No user registered with email: "),
                                           ("reject_user", "No user waits for approval with email: ")])
def test_unknown_address_is_said_to_who_clicked(here: World, action: str, words: str) -> None:
    answer = here.post(here.slack.click(action, "<!here>@example.org"))
    here.send()
    assert (answer.status_code, answer.data) == (404, b"")
    assert here.slack.replies == [{"response_type": "ephemeral", "replace_original": False,
                                   "text": words + "&lt;!here&gt;@example.org"}]


def test_address_that_somebody_only_claims_is_not_approved(here: World) -> None:
    """B18: whoever types an address does not have it."""
    with here.site.parts.transactions.write() as session:
        here.site.parts.accounts.add(session, COMMAND_LINE, "eve", Profile("Eve", "boss@example.org"))
    assert here.post(here.slack.click("accept_user", "boss@example.org")).status_code == 404
    assert here.user("eve").pending is True  # type: ignore[union-attr]


def test_other_buttons_do_nothing(shared: World) -> None:
    assert shared.post(shared.slack.click("open_page", "bob@example.org")).status_code == 200
    assert nothing_was_done(shared)


def test_click_on_somebody_who_was_removed_meanwhile(here: World) -> None:
    """B19: the removal of those who wait was answered with 500."""
    here.site.person("bob", approved=False)
    assert here.site.ask("DELETE", "/pending", here.site.access_token("ada")).json == {"message": "1 row(s) deleted"}
    assert here.post(here.slack.click("accept_user", "bob@example.org")).status_code == 404
    assert here.user("bob") is None


def test_second_account_of_an_address_is_not_told(here: World) -> None:
    """B20: it was answered with 500."""
    here.site.person("bob", approved=False)
    with pytest.raises(BadRequest, match="already"):
        here.site.person("eve", approved=False, email="bob@example.org")
    here.send()
    assert len(here.slack.messages) == 1


def without(name: str) -> Callable[[Signed], Signed]:
    return lambda click: Signed(click.body, {key: value for key, value in click.headers.items() if key != name})


def with_header(name: str, value: str) -> Callable[[Signed], Signed]:
    return lambda click: Signed(click.body, {**click.headers, name: value})


FORGERIES = {
    "no signature": without("X-Slack-Signature"),
    "no time": without("X-Slack-Request-Timestamp"),
    "wrong signature": with_header("X-Slack-Signature", "v0=" + "0" * 64),
    "no ASCII": with_header("X-Slack-Signature", "v0=\u00e9"),
    "wrong secret": lambda click: signed(click.body, secret="another secret"),
    "other body": lambda click: Signed(click.body + b"&x=1", click.headers),
    "other time": lambda click: Signed(click.body, {**click.headers, "X-Slack-Request-Timestamp":
                                                    str(int(time.time()) - 1000)}),
    "replayed": lambda click: signed(click.body, time.time() - 310),
    "of the future": lambda click: signed(click.body, time.time() + 310),
    "of the far future": lambda click: signed(click.body, time.time() + 10 ** 9),
    "time of words": with_header("X-Slack-Request-Timestamp", "yesterday"),
    "time beyond all numbers": with_header("X-Slack-Request-Timestamp", "9" * 400),
    "body of no text": lambda click: Signed(b"\xff\xfe", click.headers),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_slack_did_not_sign_does_nothing(shared: World, forgery: str) -> None:
    """A6, A8, B21: an earlier server posted to the address in it, took any time in the future, or answered 500."""
    with StandIn(lambda request: Reply(200)) as elsewhere:
        click = shared.slack.click("accept_user", "bob@example.org", response_url=elsewhere.url + "/actions/T/1/x")
        answer = shared.post(FORGERIES[forgery](click))
        shared.send_again()
        assert elsewhere.requests == []
    assert (answer.status_code, answer.data) == (401, b"") and nothing_was_done(shared)


def test_without_a_secret_nothing_is_taken(tmp_path: Path) -> None:
    with world(tmp_path / "site", SLACK_SIGNING_SECRET="") as here:
        here.site.person("bob", approved=False)
        for click in (here.slack.click("accept_user", "bob@example.org"), signed(CLICK, secret="x")):
            answer = here.post(click)
            assert (answer.status_code, answer.data) == (403, b"")
        here.send()
        assert here.user("bob").pending is True and here.slack.replies == []  # type: ignore[union-attr]


@pytest.mark.parametrize("address", [
    "{elsewhere}/actions/T/1/x", "{slack}@{host}/actions/x", "{slack}.evil.example/x", "{slack}:1/x", "{slack}",
    "{slack}\\@{host}/x", "https{rest}/actions/x", "//{host}/x", "http:/{host}/x", "ftp://x/", "{slack}?/", "",
    " {slack}/actions/x", "{slack}/actions/x\r\nHost: {host}", "{slack}/\u00e9"])
def test_replies_go_to_slack_alone(shared: World, address: str) -> None:
    """A6: also if it is signed. Nothing is done, since who asked could not be told."""
    with StandIn(lambda request: Reply(200)) as elsewhere:
        url = address.format(elsewhere=elsewhere.url, slack=shared.slack.url, host=elsewhere.address,
                             rest=shared.slack.url.removeprefix("http"))
        answer = shared.post(shared.slack.click("accept_user", "bob@example.org", response_url=url))
        shared.send_again()
        assert elsewhere.requests == []
    assert (answer.status_code, answer.data) == (400, b"") and nothing_was_done(shared)


def test_reply_is_not_redirected(here: World) -> None:
    here.site.person("bob", approved=False)
    here.send()
    with StandIn(lambda request: Reply(200)) as elsewhere:
        here.slack.down = Reply(307, headers={"Location": elsewhere.url})
        here.post(here.slack.click("accept_user", "bob@example.org"))
        here.send()
        assert elsewhere.requests == []


GOOD = {"response_url": "http://x/", "user": {"id": "U1"}, "actions": [{"action_id": "accept_user", "value": "a@b.c"}],
        "message": {"blocks": [{"type": "section"}]}}


@pytest.mark.parametrize("body", [
    b"", b"payload=", b"payload=%7B", b"payload=1", b"payload=[]", b"other=1", b"&&&", b"payload=%FF", b"{}",
    b"ssl_check=1", b"payload={}&payload={}", b"payload=" + b"[" * 50_000,
    *(urlencode({"payload": json.dumps({**GOOD, **change})}).encode() for change in (
        {"user": None}, {"user": {"id": "U1> <!channel"}}, {"user": {"id": "U1\n"}}, {"actions": []},
        {"actions": {"0": 1}}, {"message": {}}, {"message": {"blocks": []}}, {"message": {"blocks": ["x"]}},
        {"response_url": None}, {"actions": [{"action_id": "accept_user", "value": "a\0b"}]}))])
def test_signed_nonsense(shared: World, body: bytes) -> None:
    answer = shared.post(signed(body))
    assert (answer.status_code, answer.data) == (400, b"") and nothing_was_done(shared)


def test_huge_body_is_not_read(shared: World) -> None:
    answer = shared.post(signed(b"payload=" + b"x" * LARGEST_BODY))
    assert answer.status_code == 413 and nothing_was_done(shared)


def test_payload_in_the_query_is_not_looked_at(shared: World) -> None:
    click = shared.slack.click("accept_user", "bob@example.org")
    answer = shared.site.client.post("/slack?" + click.body.decode(), headers=signed(b"").headers)
    assert answer.status_code == 400 and nothing_was_done(shared)


def test_secrets_are_not_in_the_log(here: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    here.site.person("bob", approved=False)
    here.slack.down = Reply(500, b"oops")
    here.post(here.slack.click("accept_user", "bob@example.org"))
    here.send()
    assert "could not be sent" in caplog.text
    for secret in (SECRET, "secretOfTheWebhook", "/actions/T000"):
        assert secret not in caplog.text
