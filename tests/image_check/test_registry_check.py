"""What the image check lets pass, what it remembers, and what it says."""
import pytest

from servicex.backends.image_check.image_name import AllowedImages
from servicex.backends.image_check.registries import Finding, Registries
from servicex.backends.image_check.registry_check import REMEMBERED_IMAGES, RegistryImageCheck
from servicex.backends.image_check.remembered import Remembered
from servicex.errors import BadRequest, Unavailable
from tests.stand_in import Reply, Request, StandIn

STATUSES = {"there": 200, "gone": 404, "secret": 403, "busy": 429}
FOREVER = dict.fromkeys(Finding, 1000.0)
NEVER = dict.fromkeys(Finding, 0.0)


def respond(request: Request) -> Reply:
    """A registry whose images are named for the answer."""
    return Reply(STATUSES[request.path.split("/")[2]])


def check(stand_in: StandIn, fails_open: bool = False, lifetimes: dict[Finding, float] = FOREVER) -> RegistryImageCheck:
    allowed = AllowedImages([stand_in.address, "docker.io/sslhep"])
    return RegistryImageCheck(allowed, Registries(allowed.registries), fails_open, lifetimes)


@pytest.mark.parametrize("fails_open", [True, False])
def test_what_is_known_does_not_hang_on_the_setting(fails_open: bool) -> None:
    with StandIn(respond) as stand_in:
        images = check(stand_in, fails_open)
        images.check(f"{stand_in.address}/there:1")
        with pytest.raises(BadRequest) as caught:
            images.check(f"{stand_in.address}/gone:1")
    assert caught.value.message == f"Requested transformer docker image doesn't exist: {stand_in.address}/gone:1"


@pytest.mark.parametrize("name, error", [("secret", BadRequest), ("busy", Unavailable)])
def test_what_is_not_known_passes_or_not(name: str, error: type[Exception]) -> None:
    with StandIn(respond) as stand_in:
        check(stand_in, fails_open=True).check(f"{stand_in.address}/{name}")
        with pytest.raises(error):
            check(stand_in, fails_open=False).check(f"{stand_in.address}/{name}")


def test_a_registry_that_is_down() -> None:
    with StandIn(respond) as stand_in:
        closed, open_ = check(stand_in, fails_open=False), check(stand_in, fails_open=True)
    open_.check(f"{stand_in.address}/there")
    with pytest.raises(Unavailable, match="cannot be told just now"):
        closed.check(f"{stand_in.address}/there")


@pytest.mark.parametrize("lifetimes, asked", [(FOREVER, 1), (NEVER, 3)])
@pytest.mark.parametrize("name", STATUSES)
def test_findings_are_remembered_for_a_time(name: str, lifetimes: dict[Finding, float], asked: int) -> None:
    with StandIn(respond) as stand_in:
        images = check(stand_in, lifetimes=lifetimes)
        for _ in range(3):
            try:
                images.check(f"{stand_in.address}/{name}")
            except (BadRequest, Unavailable):
                pass
    assert len(stand_in.requests) == asked


def test_memory_is_bounded_and_forgets() -> None:
    memory: Remembered[int, str] = Remembered(2)
    memory.put(1, "one", 1000)
    memory.put(2, "two", 1000)
    memory.put(1, "uno", 1000)
    memory.put(3, "three", -1)
    assert (memory.get(1), memory.get(2), memory.get(3), memory.get(4)) == ("uno", None, None, None)
    assert REMEMBERED_IMAGES < 100_000


@pytest.mark.parametrize("image", ["sslhepevil/x", "evil.io/sslhep/x", "python"])
def test_what_is_not_allowed_is_not_asked_for(image: str) -> None:
    words = f"The image {image} may not be used here.*docker.io/sslhep"
    with StandIn(respond) as stand_in, pytest.raises(BadRequest, match=words):
        check(stand_in, fails_open=True).check(image)
    assert stand_in.requests == []


@pytest.mark.parametrize("image", ["", "a b", "x; rm -rf /", "../x", "x" * 5000])
def test_what_is_no_name_is_no_image(image: str) -> None:
    with pytest.raises(BadRequest, match="^Requested transformer docker image doesn't exist: ") as caught:
        RegistryImageCheck(AllowedImages([]), None, fails_open=True).check(image)
    assert len(caught.value.message) < 200


def test_a_private_registry_is_refused_whatever_the_setting() -> None:
    with StandIn(respond) as stand_in, pytest.raises(BadRequest, match="not taken here"):
        RegistryImageCheck(AllowedImages([]), Registries(), fails_open=True).check(f"{stand_in.address}/there")
    assert stand_in.requests == []


def test_without_registries_only_the_name_is_looked_at() -> None:
    images = RegistryImageCheck(AllowedImages(["docker.io/sslhep"]), None, fails_open=False)
    images.check("sslhep/nobody-knows:1")
    with pytest.raises(BadRequest):
        images.check("other/x")
