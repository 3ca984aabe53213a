"""Which image a transform runs in, and that it is checked before anything is written."""
from collections.abc import Callable, Mapping

import pytest

from servicex.backends.code_generator.base import CodeGenerator, GeneratedCode
from servicex.backends.image_check.base import ImageCheck
from servicex.errors import BadRequest, GeneratorFailed
from servicex.models import TransformRequest
from servicex.services.caller import SINGLE_USER
from servicex.services.submissions import OBJECT_STORE, Submission
from servicex.services.transforms import TransformService
from tests.databases import House


class Named(CodeGenerator):
    """A generator whose programs want the image that is their selection, if it is one."""

    def __init__(self, version: str = "named:1"):
        self._version = version

    def images(self) -> Mapping[str, str]:
        return {"named": self._version}

    def formats(self, name: str) -> frozenset[str]:
        return frozenset({"parquet"})

    def generate(self, name: str, selection: str) -> GeneratedCode:
        return GeneratedCode("" if selection == "none" else selection, "python", "/generated/x.py", {})


class OnlyGood(ImageCheck):
    """Lets pass what says that it is good."""

    def check(self, image: str) -> None:
        if "good" not in image:
            raise BadRequest(f"Requested transformer docker image doesn't exist: {image}")


Submit = Callable[..., TransformRequest]


def submitter(house: House, images: ImageCheck | None) -> Submit:
    service = TransformService(house.transactions, house.datasets, [Named("old"), Named()], [OBJECT_STORE], 1000, "1",
                               house.wake, images=images)

    def submit(selection: str, image: str | None = None) -> TransformRequest:
        return service.submit(SINGLE_USER, Submission("named", selection, "parquet", did="test://x", image=image))

    return submit


@pytest.fixture
def submit(house: House) -> Submit:
    """Submit a transform where images are checked."""
    return submitter(house, OnlyGood())


@pytest.mark.parametrize("own, wanted, used", [
    ("good/own", None, "good/own"), ("good/own", "good/mine", "good/mine"), ("none", "good/mine", "good/mine"),
    ("bad/own", "good/mine", "good/mine"), ("good/own", "", "good/own")])
def test_the_image_asked_for_goes_before_the_generators(
        house: House, submit: Submit, own: str, wanted: str | None, used: str) -> None:
    transform = house.get(submit(own, wanted))
    assert (transform.image, transform.code_gen_image) == (used, "named:1")


@pytest.mark.parametrize("own, wanted", [("bad/own", None), ("good/own", "bad/mine")])
def test_a_bad_image_is_refused_and_nothing_is_written(
        house: House, submit: Submit, own: str, wanted: str | None) -> None:
    with pytest.raises(BadRequest, match="docker image doesn't exist: bad/"):
        submit(own, wanted)
    assert list(house.transforms.list(SINGLE_USER)) == [] and house.datasets.open_lookups() == []
    assert house.woken == 0


def test_a_program_without_an_image_needs_one(submit: Submit) -> None:
    with pytest.raises(GeneratorFailed, match="name one in the field image"):
        submit("none")


def test_workers_that_are_no_containers_take_no_image(house: House) -> None:
    submit = submitter(house, None)
    assert submit("own", "mine").image == "own"
    assert submit("none", "mine").image == ""
