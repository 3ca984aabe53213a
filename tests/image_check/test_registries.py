"""Whether an image exists, asked of a real registry and of stand-ins for Docker Hub and for registries with tokens."""
import ipaddress
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servicex.backends.bounded_http import AddressRefused, CallFailed, is_public
from servicex.backends.image_check.image_name import parse_image
from servicex.backends.image_check.registries import Finding, Registries
from tests.certificates import self_signed
from tests.conftest import require
from tests.image_check.real_registry import push, running_registry
from tests.stand_in import Reply, Request, StandIn

DIGEST = "sha256:" + "0a" * 32
EXISTS, ABSENT, DENIED, UNKNOWN = Finding.EXISTS, Finding.ABSENT, Finding.DENIED, Finding.UNKNOWN


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real registry."""
    require(shutil.which("docker-registry"), "there is no docker-registry here")
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def test_a_real_registry(registry: str) -> None:
    digest = push(registry, "cms/analysis/tool", "v1")
    find = Registries([registry]).find
    assert find(parse_image(f"{registry}/cms/analysis/tool:v1")) is EXISTS
    assert find(parse_image(f"{registry}/cms/analysis/tool@{digest}")) is EXISTS
    assert find(parse_image(f"{registry}/cms/analysis/tool:v2")) is ABSENT
    assert find(parse_image(f"{registry}/cms/analysis/tool")) is ABSENT
    assert find(parse_image(f"{registry}/cms/analysis/tool@{DIGEST}")) is ABSENT
    assert find(parse_image(f"{registry}/cms/analysis:v1")) is ABSENT


def hub(request: Request) -> Reply:
    """What Docker Hub's API says."""
    answers = {"/v2/repositories/sslhep/science/tags/v1": Reply(200, b'{"name": "v1", "last_updated": "2024"}'),
               "/v2/repositories/library/python/tags/latest": Reply(200, b'{"name": "latest"}'),
               "/v2/repositories/sslhep/busy/tags/latest": Reply(429, b"Too Many Requests"),
               "/v2/repositories/sslhep/broken/tags/latest": Reply(500, b"<html>")}
    return answers.get(request.path, Reply(404, b'{"message": "httperror 404: object not found", "errinfo": {}}'))


@pytest.mark.parametrize("image, finding", [
    ("sslhep/science:v1", EXISTS), ("docker.io/python", EXISTS), ("sslhep/science:v2", ABSENT), ("nobody/x", ABSENT),
    ("sslhep/busy", UNKNOWN), ("sslhep/broken", UNKNOWN)])
def test_docker_hub(image: str, finding: Finding) -> None:
    with StandIn(hub) as stand_in:
        assert Registries(hub_api=stand_in.url).find(parse_image(image)) is finding
    assert [request.method for request in stand_in.requests] == ["GET"]


class TokenRegistry:
    """A registry that wants a token, and the service that gives it, as on Docker Hub and GHCR."""

    def __init__(self, token_answer: bytes = b'{"token": "t0k"}', challenge: str | None = None):
        self._token_answer = token_answer
        self.challenge = challenge
        self.url = ""

    def respond(self, request: Request) -> Reply:
        if request.path.startswith("/token"):
            return Reply(200, self._token_answer)
        if request.headers["Authorization"] != "Bearer t0k":
            challenge = self.challenge or f'Bearer realm="{self.url}/token",service="a, b",scope="ignored"'
            return Reply(401, b"{}", {"WWW-Authenticate": challenge})
        if "secret" in request.path:
            return Reply(403)
        wanted = "application/vnd.oci.image.index.v1+json" in request.headers["Accept"]
        return Reply(200 if wanted and ("/v1" in request.path or DIGEST in request.path) else 404, b"manifest")


@pytest.fixture
def run() -> Iterator[Callable[[TokenRegistry], StandIn]]:
    stand_ins: list[StandIn] = []

    def start(registry: TokenRegistry) -> StandIn:
        stand_ins.append(StandIn(registry.respond).__enter__())
        registry.url = stand_ins[-1].url
        return stand_ins[-1]

    yield start
    for stand_in in stand_ins:
        stand_in.__exit__(None, None, None)


Run = Callable[[TokenRegistry], StandIn]


@pytest.mark.parametrize("answer", [b'{"token": "t0k"}', b'{"access_token": "t0k", "expires_in": 300}'])
def test_a_registry_that_wants_a_token(run: Run, answer: bytes) -> None:
    stand_in = run(TokenRegistry(answer))
    find = Registries([stand_in.address]).find
    assert find(parse_image(f"{stand_in.address}/cms/tool:v1")) is EXISTS
    assert [(request.method, request.path) for request in stand_in.requests] == [
        ("HEAD", "/v2/cms/tool/manifests/v1"), ("GET", "/token?scope=repository%3Acms%2Ftool%3Apull&service=a%2C+b"),
        ("HEAD", "/v2/cms/tool/manifests/v1")]
    assert find(parse_image(f"{stand_in.address}/cms/tool:v2")) is ABSENT
    assert find(parse_image(f"{stand_in.address}/cms/secret:v1")) is DENIED


def test_a_digest_on_docker_hub_is_asked_of_its_registry(run: Run) -> None:
    stand_in = run(TokenRegistry())
    assert Registries(hub_registry=stand_in.url).find(parse_image(f"sslhep/x@{DIGEST}")) is EXISTS
    assert stand_in.requests[0].path == f"/v2/sslhep/x/manifests/{DIGEST}"


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "Negotiate"])
def test_who_wants_a_password_denies(run: Run, challenge: str) -> None:
    stand_in = run(TokenRegistry(challenge=challenge))
    assert Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x:v1")) is DENIED


@pytest.mark.parametrize("answer", [b"", b"[]", b'"t0k"', b"{}", b"[" * 60_000, b'{"token": "a\\r\\nX-Evil: 1"}',
                                    json.dumps({"token": "x" * 20_000}).encode(), b"x" * 100_000])
def test_nonsense_for_a_token(run: Run, answer: bytes) -> None:
    stand_in = run(TokenRegistry(answer))
    with pytest.raises(CallFailed):
        Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x:v1"))


@pytest.mark.parametrize("challenge", [
    "Bearer ", "Bearer nonsense", "Bearer realm=/", *[f'Bearer realm="{realm}"' for realm in (
        "http://[", "ftp://127.0.0.1/", "https://127.0.0.1:99999/", "http://example.org/token", "file:///etc/passwd")]])
def test_nonsense_for_a_challenge(run: Run, challenge: str) -> None:
    stand_in = run(TokenRegistry(challenge=challenge))
    with pytest.raises(CallFailed):
        Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x:v1"))


@pytest.mark.parametrize("status, finding", [(200, EXISTS), (404, ABSENT), (403, DENIED), (429, UNKNOWN),
                                             (500, UNKNOWN), (503, UNKNOWN)])
def test_a_registry_without_tokens(status: int, finding: Finding) -> None:
    with StandIn(lambda request: Reply(status)) as stand_in:
        assert Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x:v1")) is finding


def test_get_is_asked_only_where_head_is_not_known() -> None:
    with StandIn(lambda request: Reply(405 if request.method == "HEAD" else 200)) as stand_in:
        assert Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x")) is EXISTS
    assert [request.method for request in stand_in.requests] == ["HEAD", "GET"]


def test_a_redirect_is_followed_without_the_token(run: Run) -> None:
    registry = TokenRegistry()
    with StandIn(lambda request: Reply(200)) as other:
        stand_in = run(registry)
        answer = registry.respond

        def redirect(request: Request) -> Reply:
            moved = request.headers["Authorization"] == "Bearer t0k"
            return Reply(307, headers={"Location": f"{other.url}/moved"}) if moved else answer(request)

        stand_in._respond = redirect
        image = parse_image(f"{stand_in.address}/x:v1")
        assert Registries([stand_in.address, other.address]).find(image) is EXISTS
        assert [(request.path, request.headers["Authorization"]) for request in other.requests] == [("/moved", None)]
        with pytest.raises(AddressRefused):
            Registries([stand_in.address]).find(image)
        assert len(other.requests) == 1


def test_redirects_end() -> None:
    with StandIn(lambda request: Reply(302, headers={"Location": "/again"})) as stand_in, \
            pytest.raises(CallFailed, match="too often"):
        Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x"))
    assert len(stand_in.requests) == 4


@pytest.mark.parametrize("reply", [None, Reply(pieces=1000, body=b"x")])
def test_silence_ends(reply: Reply | None) -> None:
    with StandIn(lambda request: reply if request.method == "GET" else Reply(405)) as stand_in, \
            pytest.raises(CallFailed, match="did not answer in time"):
        Registries([stand_in.address], seconds=0.5).find(parse_image(f"{stand_in.address}/x"))


def test_private_addresses_are_not_asked_unless_named() -> None:
    with StandIn(lambda request: Reply(200)) as stand_in:
        port = stand_in.address.partition(":")[2]
        for host in (stand_in.address, f"localhost:{port}", f"127.1.2.3:{port}"):
            with pytest.raises(AddressRefused):
                Registries().find(parse_image(f"{host}/x"))
        with pytest.raises(AddressRefused):
            Registries([f"localhost:{port}"]).find(parse_image(f"{stand_in.address}/x"))
    assert stand_in.requests == []


def test_a_token_is_not_fetched_from_a_private_address(run: Run) -> None:
    with StandIn(lambda request: Reply(200, b'{"token": "x"}')) as inside:
        stand_in = run(TokenRegistry(challenge=f'Bearer realm="{inside.url}/token",service="x"'))
        with pytest.raises(AddressRefused):
            Registries([stand_in.address]).find(parse_image(f"{stand_in.address}/x:v1"))
    assert inside.requests == []


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Host names and their addresses, known to nobody else."""
    known: dict[str, list[str]] = {}
    resolve = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **more: Any) -> Any:
        return [entry for address in known.get(host, [host]) for entry in resolve(address, port, *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `registry.test` that vouches for itself, with its key."""
    require(shutil.which("openssl"), "there is no openssl here")
    return self_signed(tmp_path_factory.mktemp("certificate"), "registry.test")


def test_a_registry_is_asked_with_tls(
        names: dict[str, list[str]], certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names.update({"registry.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    with StandIn(lambda request: Reply(200), certificate=certificate) as stand_in:
        port = stand_in.address.partition(":")[2]
        known = Registries([f"registry.test:{port}", f"other.test:{port}"])
        with pytest.raises(CallFailed, match="self-signed certificate"):
            known.find(parse_image(f"registry.test:{port}/x"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert known.find(parse_image(f"registry.test:{port}/x")) is EXISTS
        with pytest.raises(CallFailed, match="certificate is not valid for 'other.test'|Hostname mismatch"):
            known.find(parse_image(f"other.test:{port}/x"))
    assert [request.headers["Host"] for request in stand_in.requests] == [f"registry.test:{port}"]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.1.2.3"], ["93.184.216.34", "192.168.0.1"], ["::1"]])
def test_a_name_for_a_private_address_is_not_asked(names: dict[str, list[str]], addresses: list[str]) -> None:
    names["registry.test"] = addresses
    with pytest.raises(AddressRefused):
        Registries(["docker.io"]).find(parse_image("registry.test/x"))


@pytest.mark.parametrize("address, public", [
    ("1.1.1.1", True), ("2606:4700::1111", True), ("::ffff:1.1.1.1", True), ("64:ff9b::101:101", True),
    ("10.0.0.1", False), ("127.0.0.1", False), ("169.254.169.254", False), ("172.16.0.1", False),
    ("192.168.1.1", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False),
    ("::", False), ("::1", False), ("fe80::1", False), ("fd00::1", False), ("ff02::1", False),
    ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False)])
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
