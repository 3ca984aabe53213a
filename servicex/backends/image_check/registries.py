"""Asking registries whether they have an image: Docker Hub by its own API, the others as OCI's specification says.

Nobody is asked as somebody: there are no credentials but the tokens that a registry gives to everybody. The hosts come
from what people send, so each is asked only at a public address, unless the operator has named it.
"""
import json
import time
from collections.abc import Collection, Mapping
from enum import Enum
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from servicex.backends.bounded_http import Answer, CallFailed, IPAddress, call, is_loopback, is_public
from servicex.backends.image_check.image_name import DOCKER_HUB, ImageName

HUB_API = "https://hub.docker.com"
HUB_REGISTRY = "https://registry-1.docker.io"
MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
# A registry that has an image in one of these only says that it has none if they are not all asked for.
MANIFESTS = ", ".join(f"application/vnd.{kind}+json" for kind in (
    "oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.list.v2",
    "docker.distribution.manifest.v2"))
MAX_TOKEN = 16 * 1024


class Finding(Enum):
    """What a registry says of an image. Who is denied does not learn whether there is one."""

    EXISTS = "exists"
    ABSENT = "absent"
    DENIED = "denied"
    UNKNOWN = "unknown"


FINDINGS = {200: Finding.EXISTS, 404: Finding.ABSENT, 401: Finding.DENIED, 403: Finding.DENIED}


class Registries:
    """The registries of this world.

    `known` are hosts, or host:port, that the operator has named: they may have private addresses. `seconds` is what one
    question may take in all.
    """

    def __init__(self, known: Collection[str] = (), seconds: float = 10.0, hub_api: str = HUB_API,
                 hub_registry: str = HUB_REGISTRY):
        self._known = known
        self._seconds = seconds
        self._hub_api = hub_api
        self._hub_registry = hub_registry

    def find(self, image: ImageName) -> Finding:
        """Whether there is such an image. Raises CallFailed if that did not come out, AddressRefused among others."""
        deadline = time.monotonic() + self._seconds
        if image.registry == DOCKER_HUB and image.digest is None:
            return self._find_tag(image, deadline)
        return self._find_manifest(image, deadline)

    def _find_tag(self, image: ImageName, deadline: float) -> Finding:
        """Docker Hub's API counts no question against the pulls of this address, as its registry would."""
        url = f"{self._hub_api}/v2/repositories/{image.repository}/tags/{quote(image.tag)}"
        return _finding(self._follow("GET", url, deadline, {"Accept": "application/json"}))

    def _find_manifest(self, image: ImageName, deadline: float) -> Finding:
        url = f"{self._address(image.registry)}/v2/{image.repository}/manifests/{image.reference}"
        answer = self._ask(url, deadline, {"Accept": MANIFESTS})
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status != 401 or not challenge.lower().startswith("bearer "):
            return _finding(answer)
        token = self._token(challenge[len("bearer "):], image, deadline)
        return _finding(self._ask(url, deadline, {"Accept": MANIFESTS, "Authorization": f"Bearer {token}"}))

    def _ask(self, url: str, deadline: float, headers: Mapping[str, str]) -> Answer:
        """What the registry says of a manifest, without the manifest if it can leave that away."""
        answer = self._follow("HEAD", url, deadline, headers)
        return self._follow("GET", url, deadline, headers) if answer.status == 405 else answer

    def _token(self, challenge: str, image: ImageName, deadline: float) -> str:
        """The token that everybody gets. Raises CallFailed."""
        wanted = _parameters(challenge)
        query = {"scope": f"repository:{image.repository}:pull"}
        if "service" in wanted:
            query["service"] = wanted["service"]
        realm = wanted.get("realm", "")
        answer = self._follow("GET", f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}", deadline, {})
        try:
            fields = json.loads(answer.body)
            token = str(fields.get("token") or fields["access_token"])
        except (ValueError, KeyError, AttributeError, RecursionError):
            raise CallFailed(f"no token is to be had: the answer was {answer.status}") from None
        if len(token) > MAX_TOKEN or not (token.isascii() and token.isprintable()):
            raise CallFailed("the token is no token")
        return token

    def _follow(self, method: str, url: str, deadline: float, headers: Mapping[str, str]) -> Answer:
        """An answer that is no redirect. What was asked with is for the first host alone."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._call(method, url, deadline, headers)
            if answer.status not in REDIRECTS:
                return answer
            url = urljoin(url, answer.headers.get("Location", ""))
            headers = {name: value for name, value in headers.items() if name != "Authorization"}
        raise CallFailed("it redirects too often")

    def _call(self, method: str, url: str, deadline: float, headers: Mapping[str, str]) -> Answer:
        host = _host(url)
        if not url.startswith("https://") and not _is_loopback(host):
            raise CallFailed(f"{host} is not asked without encryption")
        return call(method, url, deadline, headers=headers, may_reach=_anywhere if self._is_known(host) else is_public)

    def _is_known(self, host: str) -> bool:
        """Whether the operator has named the host."""
        return host in self._known or host in map(_host, (self._hub_api, self._hub_registry))

    def _address(self, registry: str) -> str:
        if registry == DOCKER_HUB:
            return self._hub_registry
        return f"http://{registry}" if _is_loopback(registry) else f"https://{registry}"


def _finding(answer: Answer) -> Finding:
    return FINDINGS.get(answer.status, Finding.UNKNOWN)


def _parameters(challenge: str) -> dict[str, str]:
    """The parameters of a challenge, by lower-case name. Raises CallFailed."""
    try:
        return {name.lower(): value for name, value in parse_keqv_list(parse_http_list(challenge)).items()}
    except (ValueError, IndexError):
        raise CallFailed("its WWW-Authenticate is not understood") from None


def _host(url: str) -> str:
    """The host of a URL, with the port if it has one. Raises CallFailed if it is no URL."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        raise CallFailed("that is no HTTP address") from None


def _is_loopback(registry: str) -> bool:
    """Whether a registry is on this very machine; those speak HTTP without TLS, as Docker has it too."""
    return is_loopback(registry.partition(":")[0])


def _anywhere(address: IPAddress) -> bool:
    return True
