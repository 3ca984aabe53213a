"""Names of container images, read as Docker reads them, and lists of those that are allowed."""
import re
from collections.abc import Iterable
from dataclasses import dataclass

DOCKER_HUB = "docker.io"
OFFICIAL = "library"
MAX_IMAGE_LENGTH = 512
MAX_REPOSITORY_LENGTH = 255
REGISTRY = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?")
COMPONENT = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


class InvalidImageName(Exception):
    """Raised when a text cannot be the name of an image."""


@dataclass(frozen=True)
class ImageName:
    """A name in full: where the image is, and which of its repository is meant: a digest's, else that of a tag."""

    registry: str
    repository: str
    tag: str
    digest: str | None = None

    @property
    def reference(self) -> str:
        """The digest or the tag, as registries are asked for it."""
        return self.digest or self.tag

    @property
    def place(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.place}:{self.tag}{digest}"


def parse_image(text: str) -> ImageName:
    """The image of that name; what it leaves out is what Docker would take. Raises InvalidImageName."""
    rest, at, digest = text.partition("@")
    registry, path = _split_registry(rest)
    repository, colon, tag = path.partition(":")
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"{OFFICIAL}/{repository}"
    valid = (len(text) <= MAX_IMAGE_LENGTH and len(repository) <= MAX_REPOSITORY_LENGTH
             and REGISTRY.fullmatch(registry) and all(map(COMPONENT.fullmatch, repository.split("/")))
             and (not colon or TAG.fullmatch(tag)) and (not at or DIGEST.fullmatch(digest)))
    if not valid:
        raise InvalidImageName(text)
    return ImageName(registry, repository, tag or "latest", digest or None)


def _split_registry(text: str) -> tuple[str, str]:
    """Registry and path. A first component is a registry if it looks like a host: with a dot or a port, or local."""
    first, slash, rest = text.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return DOCKER_HUB, text
    host = first.lower()
    return (DOCKER_HUB if host in (DOCKER_HUB, "index.docker.io") else host), rest


class AllowedImages:
    """Prefixes of the names of allowed images, whole components each: `docker.io/sslhep`, `ghcr.io/cms/analysis`, or
    one image with its tag. A prefix without a registry is Docker Hub's. No prefix at all allows every image."""

    def __init__(self, prefixes: Iterable[str]):
        self._prefixes = [_full_prefix(prefix.strip().rstrip("/")) for prefix in prefixes]

    @property
    def registries(self) -> frozenset[str]:
        """The registries, host or host:port, that somebody took the trouble to allow."""
        return frozenset(prefix.partition("/")[0] for prefix in self._prefixes)

    def __contains__(self, image: ImageName) -> bool:
        return not self._prefixes or any(_starts(image, prefix) for prefix in self._prefixes)

    def __str__(self) -> str:
        return ", ".join(self._prefixes)


def _full_prefix(prefix: str) -> str:
    registry, path = _split_registry(prefix if "/" in prefix else prefix + "/")
    return f"{registry}/{path}".rstrip("/")


def _starts(image: ImageName, prefix: str) -> bool:
    return str(image) == prefix or f"{image.place}/".startswith(f"{prefix}/")
