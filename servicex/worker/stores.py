"""Where a worker's results go, waited for while it is away."""
import secrets
import threading
from pathlib import Path

from servicex import choices
from servicex.backends.object_store.s3_client import StoreAnswered
from servicex.backends.patience import patiently
from servicex.backends.result_store import ResultStore
from servicex.errors import ServiceXError
from servicex.services.submissions import OBJECT_STORE
from servicex.settings import InvalidSettings, Settings

SECONDS = 300.0
# S3's names for what passes.
PASSING = frozenset({"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "500", "503"})


class PatientStore:
    """Stores results as `store` does, and waits up to `seconds` for it while it is away or overloaded."""

    def __init__(self, store: ResultStore, stopped: threading.Event, seconds: float = SECONDS):
        self._store = store
        self._stopped = stopped
        self._seconds = seconds

    def create(self, request_id: str) -> None:
        """Make the place for a transform's results."""
        self._store.create(request_id)

    def put(self, request_id: str, name: str, source: Path) -> int:
        """Move a file there; gives its size in bytes. Raises `ServiceXError` if it is refused, or `Unavailable`."""
        sizes: list[int] = []

        def put() -> None:
            try:
                sizes.append(self._store.put(request_id, name, source))
            except StoreAnswered as answered:
                if answered.code in PASSING:
                    raise
                raise ServiceXError(answered.message) from answered
        if not patiently(put, self._seconds, self._stopped):
            raise ServiceXError("The worker was stopped before the object store answered.")
        return sizes[0]

    def settle(self, request_id: str) -> None:
        """Make what was put there last."""
        self._store.settle(request_id)

    def delete(self, request_id: str) -> None:
        """Remove the transform's results."""
        self._store.delete(request_id)


def store_for(settings: Settings, destination: str, request_id: str, stopped: threading.Event) -> PatientStore:
    """The store for a destination. The server has made a transform's bucket; a folder is made here.

    Raises InvalidSettings, and Unavailable if the volume cannot be written to.
    """
    if destination == OBJECT_STORE:
        if not settings.MINIO_URL:
            raise InvalidSettings("The destination object-store needs MINIO_URL and its keys.")
        # Clients' credentials are derived from that secret, of which a worker needs none.
        return PatientStore(choices.s3_store(settings, secrets.token_bytes(32)), stopped)
    volume = choices.results_volume(settings)
    if volume is None:
        raise InvalidSettings("The destination volume needs RESULTS_VOLUME.")
    volume.create(request_id)
    return PatientStore(volume, stopped)
