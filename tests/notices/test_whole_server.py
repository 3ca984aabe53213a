"""The server in a process of its own, killed while it tells Slack of somebody."""
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.notices.slack_app import SECRET, WEBHOOK, SlackApp
from tests.running_server import COMMAND, RunningServer


class Company:
    """`servicex-app up` with accounts, and Slack."""

    def __init__(self, folder: Path, slack: SlackApp):
        self.slack = slack
        self.environment = {
            "ENABLE_AUTH": "True", "SIGNUP_WEBHOOK_URL": slack.url + WEBHOOK, "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_RESPONSE_URL": slack.url, "DATA_DIRECTORY": str(folder / "data"), "CONTROLLER_SECONDS": "0.1"}
        self.server = RunningServer(folder / "data", [folder], environment=self.environment)
        self.database = folder / "data" / "servicex.sqlite"

    def command(self, *words: str) -> str:
        """Run a command beside the server; gives what it prints."""
        return subprocess.run([COMMAND, *words], env={**os.environ, **self.environment}, capture_output=True,
                              text=True, timeout=60, check=True).stdout.strip()

    def end_the_pauses(self) -> None:
        """While the server is down."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("UPDATE notices SET next_attempt_at = created_at WHERE next_attempt_at IS NOT NULL")


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    slack = SlackApp()
    with slack.server:
        yield Company(tmp_path, slack)


def test_sign_up_is_told_by_the_next_server_and_approved_by_a_click(company: Company) -> None:
    slack, server = company.slack, company.server
    slack.hangs = True
    server.start()
    try:
        company.command("user", "create", "bob", "bob@example.org", "Bob", "CERN")
        assert slack.arrived.wait(60), server.log()
    finally:
        server.kill()
    slack.hangs = False
    slack.arrived.clear()
    company.end_the_pauses()
    with server:
        assert slack.arrived.wait(60), server.log()
        slack.arrived.clear()
        (message,) = slack.messages
        button = message["blocks"][1]["elements"][0]
        click = slack.click(button["action_id"], button["value"], message)
        forged = requests.post(f"{server.address}/slack", click.body + b" ", headers=click.headers, timeout=30)
        answer = requests.post(f"{server.address}/slack", click.body, headers=click.headers, timeout=30)
        assert (forged.status_code, forged.content) == (401, b"") and (answer.status_code, answer.content) == (200, b"")
        assert slack.arrived.wait(60), server.log()
        assert company.command("user", "list").endswith("bob, bob@example.org, Bob, CERN, Approved")
    assert len(slack.replies) == 1 and "secretOfTheWebhook" not in server.log()


def test_sdk_of_slack_is_loaded_by_those_who_use_it(tmp_path: Path) -> None:
    program = "import sys, servicex; servicex.create_app(); print('slack_sdk' in sys.modules)"
    loaded = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
                             env={**os.environ, "DATA_DIRECTORY": str(tmp_path), "SLACK_SIGNING_SECRET": secret}).stdout
              for secret in ("", SECRET)]
    assert loaded == ["False\n", "True\n"]
