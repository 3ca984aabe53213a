"""Who may call back: only who was handed the address, about what it was handed for; and the logs do not tell it."""
import logging
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from servicex.capabilities import Capabilities, capability_keys
from servicex.models import TransformRequest
from servicex.observability import Redacting, redact_secrets
from servicex.settings import InvalidSettings, load
from tests.api.callers import SECRET, Callers, found, summary
from tests.running_server import free_port

OLD, NEW = "the secret of last year", "the secret of this year"


@pytest.fixture
def transform(callers: Callers) -> TransformRequest:
    """A transform whose look-up was begun."""
    return callers.looked_up()


def status(callers: Callers, token: str, transform: TransformRequest, what: str = "files") -> int:
    """The status of a callback about the transform's dataset, or about itself, with that token."""
    subject = transform.did_id if what == "files" else transform.request_id
    body = found("/a") if what == "files" else {"source": "s", "info": "i"}
    return callers.call("PUT" if what == "files" else "POST", json=body,
                        url=f"/servicex/internal{token}/transformation/{subject}/{what}").status_code


def test_only_the_token_of_just_that_opens(callers: Callers, transform: TransformRequest) -> None:
    other = callers.looked_up()
    tokens = callers.capabilities
    dataset = tokens.token("dataset", str(transform.did_id))
    itself = tokens.token("transform", transform.request_id)
    assert status(callers, f"/{dataset}", transform) == 200
    assert status(callers, f"/{itself}", transform, "status") == 200
    refused = ["", "/garbage", "/\u20ac", "/%00", "/transformation", f"/{dataset[:-1]}", f"/{dataset}x",
               f"/{dataset.swapcase()}", f"/{tokens.token('dataset', str(other.did_id))}",
               f"/{tokens.token('transform', str(transform.did_id))}",
               f"/{Capabilities(capability_keys(['an expired or stolen secret'])).token('dataset', '1')}"]
    assert {token: status(callers, token, transform) for token in refused} == dict.fromkeys(refused, 403)
    assert status(callers, f"/{tokens.token('dataset', transform.request_id)}", transform, "status") == 403
    assert status(callers, f"/{tokens.token('transform', other.request_id)}", transform, "status") == 403
    assert callers.counts(transform) == (1, 0, 0)


def test_each_route_asks_for_a_token(callers: Callers, transform: TransformRequest) -> None:
    routes = [rule for rule in callers.app.url_map.iter_rules() if rule.rule.startswith("/servicex/internal/")]
    assert len(routes) == 12
    for rule in routes:
        values = {"token": "x", "dataset_id": transform.did_id, "request_id": transform.request_id, "file_id": 1}
        url = rule.build({name: values[name] for name in rule.arguments})
        assert url is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert callers.call(method, url[1], json={}).status_code == 403, (method, rule)


def test_refusal_comes_before_the_body_is_read(callers: Callers, transform: TransformRequest) -> None:
    answer = callers.call("PUT", f"/servicex/internal/x/transformation/{transform.did_id}/files", data=b"{")
    assert answer.status_code == 403 and set(answer.json or {}) == {"message"}


def test_site_may_open_the_routes(callers: Callers, transform: TransformRequest) -> None:
    opened = Callers(callers.house, open_callbacks=True)
    assert status(opened, "", transform) == 200
    assert opened.call("PUT", f"/servicex/internal/transformation/{transform.did_id}/complete",
                       json=summary(1)).status_code == 200
    assert status(opened, "", transform, "status") == 200
    assert status(opened, "/garbage", transform) == 403


def test_old_addresses_hold_while_their_key_is_kept(callers: Callers, transform: TransformRequest) -> None:
    handed_out = Capabilities(capability_keys([OLD])).token("dataset", str(transform.did_id))
    rotated = Callers(callers.house, secrets=[NEW, OLD])
    assert status(rotated, f"/{handed_out}", transform) == 200
    newest = Capabilities(capability_keys([NEW])).token("dataset", str(transform.did_id))
    assert rotated.capabilities.token("dataset", str(transform.did_id)) == newest
    assert status(Callers(callers.house, secrets=[NEW]), f"/{handed_out}", transform) == 403


def test_token_is_short_and_fit_for_a_url() -> None:
    token = Capabilities(capability_keys([SECRET])).token("transform", "6a4bd0e0-0000-4000-8000-000000000000")
    assert len(token) == 24 and set(token) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    with pytest.raises(ValueError, match="at least one key"):
        Capabilities([])


def test_names_the_server_is_called_by(callers: Callers, transform: TransformRequest) -> None:
    advertised = {"Host": "servicex-app:8000"}
    assert callers.call("GET", "/servicex", headers=advertised).status_code == 200
    assert callers.call("GET", "/servicex", headers={"Host": "elsewhere"}).status_code == 403
    root = callers.call("GET", "/", headers={"Host": "elsewhere"})
    assert (root.status_code, root.text) == (200, "ServiceX is up.\n")
    assert callers.call("POST", "/", headers={"Host": "elsewhere"}).status_code == 403


def test_weak_old_secret_is_refused() -> None:
    assert load(SECRET_KEY_FALLBACKS=[OLD]).SECRET_KEY_FALLBACKS == [OLD]
    with pytest.raises(InvalidSettings, match="SECRET_KEY_FALLBACKS"):
        load(SECRET_KEY_FALLBACKS=["short"])


def test_lines_and_traces_show_no_token() -> None:
    address = "http://servicex-app:8000/servicex/internal/qp3GTPBYi2zKgEqxeysxmGGk/transformation/7"
    try:
        raise ValueError(address)
    except ValueError:
        record = logging.LogRecord("n", logging.ERROR, "p", 1, "PUT %s", (f"{address}/files",), sys.exc_info())
    line = Redacting(logging.Formatter("%(message)s")).format(record)
    assert "qp3GTP" not in line
    assert line.count("/servicex/internal/[token]/transformation/7") == 2
    plain = "/servicex/internal/transformation/7/files"
    bare = logging.LogRecord("n", logging.ERROR, "p", 1, plain, (), None)
    assert Redacting(logging.Formatter("%(message)s")).format(bare) == plain


def test_handlers_are_covered_once() -> None:
    handler = logging.StreamHandler()
    logger = logging.getLogger("tests.redacted")
    logger.addHandler(handler)
    redact_secrets()
    first = handler.formatter
    redact_secrets()
    assert isinstance(first, Redacting) and handler.formatter is first
    logger.removeHandler(handler)


def test_access_log_of_gunicorn_shows_no_token(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "access.log"
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--workers=1", "--threads=2",
               "--access-logfile", str(log), "--error-logfile", str(tmp_path / "error.log"), "servicex:create_app()"]
    process = subprocess.Popen(command, env={"PATH": "/usr/bin:/bin", "DATA_DIRECTORY": str(tmp_path)}, cwd=tmp_path)
    try:
        _wait_for(port)
        answer = requests.put(f"http://127.0.0.1:{port}/servicex/internal/sesame/transformation/7/files", json=[],
                              timeout=30)
        assert answer.status_code == 403
    finally:
        process.terminate()
        process.wait(30)
    written = log.read_text()
    assert "PUT /servicex/internal/[token]/transformation/7/files" in written and "sesame" not in written


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("gunicorn does not listen")
