"""What the server asks about a container image before it has transformers run in it."""
from abc import ABC, abstractmethod


class ImageCheck(ABC):
    """Tells whether an image may be used here, and whether there is one."""

    @abstractmethod
    def check(self, image: str) -> None:
        """Return if transformers may run in the image.

        Raises `BadRequest` if it does not exist or is not allowed here, `Unavailable` if that cannot be told just now.
        """
