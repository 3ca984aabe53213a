"""The image of this server itself, which runs programs of the built-in code generators on a cluster."""
from servicex.backends.image_check.base import ImageCheck
from servicex.errors import BadRequest


class OnlyImage(ImageCheck):
    """Takes no other image than one: for a cluster without a sidecar for others."""

    def __init__(self, image: str):
        self._image = image

    def check(self, image: str) -> None:
        if image != self._image:
            raise BadRequest(f"The image {image} cannot be used here: this server runs programs only in "
                             f"{self._image}. Leave the field image out.")


class AllButImage(ImageCheck):
    """Checks all images but one, which the site itself has chosen."""

    def __init__(self, image: str, others: ImageCheck):
        self._image = image
        self._others = others

    def check(self, image: str) -> None:
        if image != self._image:
            self._others.check(image)
