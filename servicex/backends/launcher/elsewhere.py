"""Transformers that somebody else starts and stops: they consume the transform's queue and call back."""
from servicex.backends.launcher.base import Launcher, TransformJob, WorkersStatus


class TransformersElsewhere(Launcher):
    """Starts nothing, and knows nothing of the workers there are.

    For a server whose TRANSFORMER_MANAGER_ENABLED is False while its queues are RabbitMQ's.
    """

    def start(self, job: TransformJob, workers: int) -> None:
        """Leave it to whoever runs the transformers."""

    def scale(self, request_id: str, workers: int) -> None:
        """The same."""

    def status(self, request_id: str) -> WorkersStatus | None:
        """Nothing is known of them."""
        return WorkersStatus(0)

    def logs(self, request_id: str, tail: int) -> str:
        """Nothing is known of what they print."""
        return ""

    def stop(self, request_id: str) -> None:
        """They stop when their queue is deleted."""

    def close(self) -> None:
        """There is nothing to end."""
