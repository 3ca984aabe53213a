"""Names of images, and prefixes of those that are allowed."""
import pytest

from servicex.backends.image_check.image_name import AllowedImages, InvalidImageName, parse_image

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize("text, full", [
    ("python", "docker.io/library/python:latest"),
    ("python:3.12", "docker.io/library/python:3.12"),
    ("sslhep/science", "docker.io/sslhep/science:latest"),
    ("sslhep/servicex__a-b_c.d:v1.0-RC_1", "docker.io/sslhep/servicex__a-b_c.d:v1.0-RC_1"),
    ("docker.io/python", "docker.io/library/python:latest"),
    ("index.docker.io/sslhep/x:1", "docker.io/sslhep/x:1"),
    ("GHCR.io/cms/analysis/tool:1", "ghcr.io/cms/analysis/tool:1"),
    ("ghcr.io", "docker.io/library/ghcr.io:latest"),
    ("localhost/x", "localhost/x:latest"),
    ("localhost:5000/x:y", "localhost:5000/x:y"),
    ("registry:5000/x", "registry:5000/x:latest"),
    ("gitlab-registry.cern.ch/a/b/c/d:e", "gitlab-registry.cern.ch/a/b/c/d:e"),
    (f"sslhep/x@{DIGEST}", f"docker.io/sslhep/x:latest@{DIGEST}"),
    (f"ghcr.io/x:1@{DIGEST}", f"ghcr.io/x:1@{DIGEST}"),
])
def test_names_are_filled_up(text: str, full: str) -> None:
    assert str(parse_image(text)) == full


@pytest.mark.parametrize("text", [
    "", " ", "/", ":", "@", "a:", "a@", "a/", "/a", "a//b", "A/b", "sslhep/Science", "a:b:c", "a b", "a\n", "a:1\n",
    "a;b", "$(a)", "a/../b", "ghcr.io/../etc", "a@sha256:12", f"a@{DIGEST}0", f"a@{DIGEST.upper()}", "a:" + "x" * 129,
    "ghcr.io/", "user:pw@ghcr.io/a", "http://ghcr.io/a", "[::1]:5000/a", "ghcr.io:port/a", "ghcr.io:123456/a",
    "-.io/a", "a.b?c/d", "a.b#c/d", "é/a", "a/é", "a:é", "a/" * 300 + "a", "ghcr.io/" + "a" * 256, "servicex-app 2.0",
])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidImageName):
        parse_image(text)


@pytest.mark.parametrize("prefix, image, allowed", [
    ("docker.io/sslhep", "sslhep/x", True),
    ("docker.io/sslhep/", "docker.io/sslhep/x:1", True),
    ("sslhep", "sslhep/x", True),
    ("sslhep/x", "sslhep/x:2", True),
    ("sslhep/x:1", "sslhep/x:1", True),
    ("sslhep/x:1", "sslhep/x:11", False),
    ("docker.io/sslhep", "sslhepevil/x", False),
    ("docker.io/sslhep", "docker.io/sslhepevil", False),
    ("docker.io/sslhep", "evil.io/docker.io/sslhep/x", False),
    ("docker.io/sslhep", "evil.io/sslhep/x", False),
    ("sslhep", "ghcr.io/sslhep/x", False),
    ("docker.io", "python", True),
    ("docker.io", "ghcr.io/x", False),
    ("docker.io/library/python", "python:3", True),
    ("GHCR.io/cms", "ghcr.io/cms/x", True),
    ("localhost:5000", "localhost:5000/x", True),
    ("localhost:5000", "localhost:50001/x", False),
    ("localhost:5000", "localhost/x", False),
    (f"sslhep/x:1@{DIGEST}", f"sslhep/x:1@{DIGEST}", True),
])
def test_prefixes_are_of_whole_parts(prefix: str, image: str, allowed: bool) -> None:
    assert (parse_image(image) in AllowedImages([prefix])) is allowed
    assert (parse_image(image) in AllowedImages(["nobody/has/this", prefix])) is allowed


def test_no_prefix_allows_all() -> None:
    assert parse_image("evil.io/x") in AllowedImages([])


def test_named_registries() -> None:
    assert AllowedImages(["sslhep", "ghcr.io/cms", "localhost:5000"]).registries == {
        "docker.io", "ghcr.io", "localhost:5000"}
