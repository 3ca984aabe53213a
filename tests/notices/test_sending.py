"""What is told of accounts: after the commit, at least once, whatever Slack and the mail service do meanwhile."""
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from servicex.backends.notifier import posting
from servicex.models import Notice
from servicex.models.base import now
from servicex.services.accounts import Profile
from servicex.services.caller import COMMAND_LINE
from servicex.services.notices import ATTEMPTS, DIED
from tests.notices.mail_servers import KEY
from tests.notices.slack_app import WEBHOOK
from tests.notices.world import World, world
from tests.stand_in import Reply

SIGN_UP = {"blocks": [
    {"type": "section", "text": {"type": "mrkdwn", "text": "New signup from bob@example.org"}},
    {"type": "actions", "elements": [
        {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "style": "primary",
         "action_id": "accept_user", "value": "bob@example.org"},
        {"type": "button", "text": {"type": "plain_text", "text": "Reject"}, "style": "danger",
         "action_id": "reject_user", "value": "bob@example.org"}]}],
    "text": "New signup from bob@example.org."}


def approve(here: World) -> None:
    here.site.parts.accounts.approve(COMMAND_LINE, "bob@example.org")


def down(here: World) -> None:
    here.slack.down = here.mailgun.down = Reply(500, b"upstream error")


def too_many(here: World) -> None:
    here.slack.down = here.mailgun.down = Reply(429, b"slow down", {"Retry-After": "1"})


def dripping(here: World) -> None:
    here.slack.down = here.mailgun.down = Reply(200, pieces=50)


def hanging(here: World) -> None:
    here.slack.hangs = True
    here.mailgun.down = Reply(503)


def up(here: World) -> None:
    here.slack.down = here.mailgun.down = None
    here.slack.hangs = False


def test_sign_up_and_approval_are_told_once(anywhere: World) -> None:
    anywhere.site.person("bob", approved=False)
    assert anywhere.slack.messages == [], "nothing leaves before it is the sender's turn"
    anywhere.send()
    approve(anywhere)
    approve(anywhere)
    anywhere.send()
    anywhere.send_again()
    assert anywhere.slack.messages == [SIGN_UP]
    (mail,) = anywhere.mailgun.mails
    assert mail["from"] == "ServiceX <noreply@mg.example.org>" and mail["to"] == "bob@example.org"
    assert mail["subject"] == "Welcome to ServiceX!"
    assert 'href="https://docs.example.org/user/getting-started/"' in mail["html"]
    assert all(row.sent_at and row.next_attempt_at is None and row.attempts == 1 for row in anywhere.rows())


def test_what_is_rolled_back_is_not_told(anywhere: World) -> None:
    parts = anywhere.site.parts
    with pytest.raises(RuntimeError), parts.transactions.write() as session:
        parts.accounts.add(session, COMMAND_LINE, "bob", Profile("Bob", "bob@example.org"))
        raise RuntimeError
    assert not anywhere.rows() and anywhere.user("bob") is None


@pytest.mark.parametrize("trouble", [down, too_many, dripping, hanging])
def test_sign_up_and_approval_do_not_wait_for_services_in_trouble(
        here: World, trouble: Callable[[World], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """B20: an earlier server kept the user and showed the form again, or answered 500."""
    trouble(here)
    with monkeypatch.context() as hasty:
        hasty.setattr(posting, "SECONDS", 0.5)
        here.site.person("bob", approved=False)
        here.send()
        approve(here)
        assert here.user("bob").pending is False  # type: ignore[union-attr]
        here.send()
    assert [row.sent_at for row in here.rows()] == [None, None]
    assert all(row.failure and row.next_attempt_at for row in here.rows())
    up(here)
    here.send()
    assert (here.slack.messages, here.mailgun.mails) == ([], []), "not before the pause is over"
    here.send_again()
    here.send_again()
    assert here.slack.messages == [SIGN_UP] and len(here.mailgun.mails) == 1


def test_service_that_is_not_there_at_all(tmp_path: Path) -> None:
    with world(tmp_path / "site") as here:
        here.slack.server.__exit__(None, None, None)
        here.site.person("bob", approved=False)
        here.send()
        (row,) = here.rows()
        assert row.failure and row.next_attempt_at and "secretOfTheWebhook" not in row.failure


def test_slow_channel_does_not_keep_the_other_waiting(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 2.0)
    here.slack.hangs = True
    for name in ("bob", "eve", "mal", "zoe"):
        here.site.person(name, approved=False)
    approve(here)
    here.send()
    assert len(here.mailgun.mails) == 1
    assert len(here.slack.server.requests) == 1, "of four messages one was tried"


@pytest.mark.parametrize("status", [302, 400, 403, 404, 410])
def test_what_would_be_refused_again_is_given_up(
        here: World, status: int, caplog: pytest.LogCaptureFixture) -> None:
    here.slack.down = Reply(status, b"no_service " + b"x" * 5000, {"Location": here.slack.url + "/actions/elsewhere"})
    here.site.person("bob", approved=False)
    here.send()
    up(here)
    here.send_again()
    (row,) = here.rows()
    assert row.next_attempt_at is None and row.sent_at is None and "no_service" in (row.failure or "")
    assert len(here.slack.server.requests) == 1 and len(row.failure or "") < 300
    assert "given up" in caplog.text and WEBHOOK not in caplog.text and "x" * 300 not in caplog.text


def test_it_is_given_up_after_a_day(here: World, caplog: pytest.LogCaptureFixture) -> None:
    down(here)
    here.site.person("bob", approved=False)
    pauses = []
    for _ in range(ATTEMPTS):
        here.send_again()
        (row,) = here.rows()
        if row.next_attempt_at:
            pauses.append(row.next_attempt_at - now())
    assert pauses == sorted(pauses) and timedelta(hours=20) < sum(pauses, timedelta()) < timedelta(hours=28)
    here.send_again()
    assert row.next_attempt_at is None and len(here.slack.server.requests) == ATTEMPTS
    assert caplog.records[-1].levelno == logging.ERROR and "given up" in caplog.text


def test_server_that_dies_before_it_notes_what_it_sent_sends_it_again(anywhere: World) -> None:
    """At least once is what is promised: no service tells whether it has a message already."""
    anywhere.site.person("bob", approved=False)
    (row,) = anywhere.rows()
    assert anywhere.notices.claim(row.id), "and then it sends, and dies"
    anywhere.send()
    assert anywhere.slack.messages == [], "somebody may be about it"
    anywhere.send_again()
    anywhere.send_again()
    assert anywhere.slack.messages == [SIGN_UP] and anywhere.rows()[0].attempts == 2


def test_what_the_last_attempt_never_came_back_from_is_given_up(here: World) -> None:
    here.site.person("bob", approved=False)
    with here.site.parts.transactions.write() as session:
        session.execute(update(Notice).values(attempts=ATTEMPTS))
    here.send()
    (row,) = here.rows()
    assert (row.next_attempt_at, row.failure, here.slack.messages) == (None, DIED, [])


def test_outcome_of_who_lost_the_lease_is_not_noted(anywhere: World) -> None:
    anywhere.site.person("bob", approved=False)
    (row,) = anywhere.rows()
    slow = anywhere.notices.claim(row.id)
    assert slow is not None
    anywhere.send_again()
    anywhere.notices.failed(slow, "too late", final=True)
    (row,) = anywhere.rows()
    assert row.sent_at and row.failure is None


def test_several_controllers_send_each_notice_once(anywhere: World) -> None:
    for number in range(20):
        anywhere.site.person(f"p{number}", approved=False)
    senders = [anywhere.new_sender() for _ in range(3)]
    threads = [threading.Thread(target=sender.pass_once) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [message["text"] for message in anywhere.slack.messages]
    assert len(told) == len(set(told)) == 20


def test_old_ones_are_removed(here: World) -> None:
    for name in ("bob", "eve"):
        here.site.person(name, approved=False)
    here.send()
    with here.site.parts.transactions.write() as session:
        session.execute(update(Notice).where(Notice.id == 1).values(created_at=now() - timedelta(days=31)))
    here.new_sender().pass_once()
    assert [row.id for row in here.rows()] == [2]


def wait_until_it_listens(anywhere: World) -> None:
    """PostgreSQL tells those who listen already; an event in memory is kept."""
    engine, deadline = anywhere.site.parts.engine, time.monotonic() + 30
    listeners = text("SELECT count(*) FROM pg_stat_activity "
                     "WHERE query LIKE 'LISTEN%' AND datname = current_database()")
    while engine.dialect.name == "postgresql" and time.monotonic() < deadline:
        with engine.connect() as connection:
            if connection.scalar(listeners):
                return
        time.sleep(0.02)


def test_sender_is_woken_by_the_commit(anywhere: World) -> None:
    """By itself it looks once an hour here."""
    parts = anywhere.site.parts
    parts.start_sender()
    wait_until_it_listens(anywhere)
    anywhere.site.person("bob", approved=False)
    assert anywhere.slack.arrived.wait(30)
    parts.sender.close()
    assert anywhere.slack.messages == [SIGN_UP]


def test_closing_does_not_wait_for_all_that_is_due(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 1.0)
    here.slack.hangs = True
    for name in ("bob", "eve", "mal"):
        here.site.person(name, approved=False)
    sender = here.new_sender()
    sender.start()
    assert here.slack.arrived.wait(30)
    sender.close()
    assert len(here.slack.server.requests) == 1 and [row.attempts for row in here.rows()] == [1, 0, 0]


def test_without_settings_nothing_is_written(tmp_path: Path) -> None:
    with world(tmp_path / "site", SIGNUP_WEBHOOK_URL="", SLACK_SIGNING_SECRET="", MAILGUN_API_KEY="") as here:
        here.site.person("bob", approved=False)
        approve(here)
        here.send()
        assert not here.rows()


def test_wrong_key_of_mailgun_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with world(tmp_path / "site", MAILGUN_API_KEY="wrong") as here:
        here.site.person("bob", approved=False)
        approve(here)
        here.send()
        assert "401: Forbidden" in caplog.text and KEY not in caplog.text
        assert here.mailgun.mails == []


def test_hostile_names_are_shown_as_they_are(here: World) -> None:
    parts = here.site.parts
    hostile = Profile("<!channel> &\n<https://e.example|hi>\u202e", "<!here>@example.org")
    with parts.transactions.write() as session:
        unverified = parts.accounts.add(session, COMMAND_LINE, "eve", hostile)
    here.site.person("mal", approved=False, email="<!channel>&@example.org")
    here.send()
    plain, buttons = here.slack.messages
    assert [block["type"] for block in plain["blocks"]] == ["section"], "nobody vouches for the address: no buttons"
    assert plain["blocks"][0]["text"]["verbatim"] is True
    assert plain["text"].startswith("New signup from &lt;!channel&gt; &amp; &lt;https://e.example|hi&gt;, who gives "
                                    "the address &lt;!here&gt;@example.org.")
    assert buttons["blocks"][0]["text"]["text"] == "New signup from &lt;!channel&gt;&amp;@example.org"
    assert buttons["blocks"][1]["elements"][0]["value"] == "<!channel>&@example.org"
    parts.accounts.approve_id(COMMAND_LINE, unverified.id)
    here.send()
    assert here.mailgun.mails == [], "that is no address"


def test_longest_names_fit(here: World) -> None:
    with here.site.parts.transactions.write() as session:
        here.site.parts.accounts.add(session, COMMAND_LINE, "eve", Profile("&" * 120, "&" * 308 + "@example.org"))
    here.site.person("mal", approved=False, email="&" * 308 + "@example.org")
    here.send()
    assert len(here.slack.messages) == 2


def test_hostile_name_in_a_mail_is_escaped(here: World) -> None:
    here.site.parts.accounts.create(COMMAND_LINE, "bob", Profile("<script>x</script>\r\nBcc: a@b.c", "bob@example.org"))
    approve(here)
    here.send()
    (mail,) = here.mailgun.mails
    assert "<script>" not in mail["html"] and "&lt;script&gt;" in mail["html"] and "\nBcc" not in mail["text"]
