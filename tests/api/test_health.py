"""What a cluster is told when it asks how the server is."""
import pytest

from servicex.errors import Unavailable
from servicex.services.health import KEPT_SECONDS, Check, Health
from tests.running_server import RunningServer
from tests.api.conftest import Ask


def away() -> str:
    raise Unavailable("The broker does not answer.")


def broken() -> str:
    raise ValueError("a secret")


def test_running_server_is_live_and_ready(ask: Ask, server: RunningServer) -> None:
    assert ask("get", "/livez").json() == {"status": "live", "parts": {}}
    answer = ask("get", "/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "parts": {"database": "ok", "broker": "ok"}}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_cluster_may_ask_by_the_address_of_the_pod(ask: Ask, path: str) -> None:
    assert ask("get", path, headers={"Host": "10.1.2.3:5000"}).status_code == 200
    assert ask("get", "/servicex", headers={"Host": "10.1.2.3:5000"}).status_code == 403


def test_server_without_a_part_it_needs_is_not_ready() -> None:
    report = Health({"database": Check(away, needed=True), "broker": Check(lambda: None)}).report()
    assert not report.ready
    assert report.parts == {"database": "The broker does not answer.", "broker": "ok"}


def test_server_goes_on_without_other_parts_and_says_so() -> None:
    report = Health({"database": Check(lambda: None, needed=True), "broker": Check(away),
                     "cluster": Check(lambda: "Pods may not be looked at.")}).report()
    assert report.ready
    assert report.parts == {"database": "ok", "broker": "The broker does not answer.",
                            "cluster": "Pods may not be looked at."}


def test_part_that_breaks_tells_no_secrets() -> None:
    report = Health({"broker": Check(broken)}).report()
    assert report.ready and "secret" not in str(report)


def test_parts_are_not_asked_for_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    health = Health({"broker": Check(lambda: asked.append(1))})
    for _ in range(100):
        health.report()
    assert len(asked) == 1
    monkeypatch.setattr("servicex.services.health.KEPT_SECONDS", -1.0)
    health.report()
    assert len(asked) == 2 and KEPT_SECONDS > 0
