"""The image check of a server whose transformers run in containers."""
import logging
from collections.abc import Mapping

from servicex.backends.bounded_http import AddressRefused, CallFailed
from servicex.backends.image_check.base import ImageCheck
from servicex.backends.image_check.image_name import AllowedImages, ImageName, InvalidImageName, parse_image
from servicex.backends.image_check.registries import Finding, Registries
from servicex.backends.image_check.remembered import Remembered
from servicex.errors import BadRequest, Unavailable

logger = logging.getLogger(__name__)

REMEMBERED_IMAGES = 1000
# Seconds. Images seldom vanish; a missing one may be on its way; a registry that is down is not asked by everybody.
LIFETIMES = {Finding.EXISTS: 3600.0, Finding.ABSENT: 60.0, Finding.DENIED: 60.0, Finding.UNKNOWN: 15.0}


class RegistryImageCheck(ImageCheck):
    """Names that can be an image's, are on the list of those allowed, and are known to their registry.

    Without `registries` none is asked. `fails_open`: whether an image passes about which its registry says nothing,
    or nothing to strangers. `lifetimes`: for how many seconds a finding is remembered.
    """

    def __init__(self, allowed: AllowedImages, registries: Registries | None, fails_open: bool,
                 lifetimes: Mapping[Finding, float] = LIFETIMES):
        self._allowed = allowed
        self._registries = registries
        self._fails_open = fails_open
        self._lifetimes = lifetimes
        self._remembered: Remembered[ImageName, Finding] = Remembered(REMEMBERED_IMAGES)

    def check(self, image: str) -> None:
        """Return if transformers may run in the image; see `ImageCheck`."""
        try:
            name = parse_image(image)
        except InvalidImageName:
            raise _absent(image[:100]) from None
        if name not in self._allowed:
            raise BadRequest(f"The image {image} may not be used here. Allowed are those of: {self._allowed}.")
        if self._registries is not None:
            self._judge(image, self._remembered.get(name) or self._find(self._registries, name))

    def _judge(self, image: str, finding: Finding) -> None:
        if finding is Finding.ABSENT or (finding is Finding.DENIED and not self._fails_open):
            raise _absent(image)
        if finding is Finding.UNKNOWN and not self._fails_open:
            raise Unavailable(f"Whether the image {image} exists cannot be told just now, as its registry does not "
                              "answer; try again later.")

    def _find(self, registries: Registries, name: ImageName) -> Finding:
        try:
            finding = registries.find(name)
        except AddressRefused as error:
            logger.warning("image %s: %s; to have it asked name it in ALLOWED_IMAGE_PREFIXES", name, error)
            raise BadRequest(f"Images of the registry {name.registry} are not taken here.") from None
        except CallFailed as error:
            logger.warning("image %s: its registry says nothing: %s", name, error)
            finding = Finding.UNKNOWN
        self._remembered.put(name, finding, self._lifetimes[finding])
        return finding


def _absent(image: str) -> BadRequest:
    return BadRequest(f"Requested transformer docker image doesn't exist: {image}")
