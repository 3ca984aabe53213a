"""A transform that local workers serve."""
import re
import shutil
import threading
from pathlib import Path, PurePath

from servicex.backends.launcher.base import TransformJob
from servicex.backends.result_store import ResultStore
from servicex.errors import ServiceXError, Unavailable
from servicex.processes import ChildUser

TRANSFORMING = "transforming"
STORING = "storing"

_KEPT_LOG = 64 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


class LocalTransform:
    """What is known here of a started transform.

    `store` takes its results, `workers` is how many may serve it at once, `states` what each thread that has a file of
    it in hand is doing, `reporting` how many files are only to be reported, `in_hand` and `done` the ids of the files
    being worked on and reported, `last_served` the number of its latest turn. `stopped` is set for good when its work
    is no longer wanted. Raises `ServiceXError` for a job that no honest part of the server makes.
    """

    def __init__(self, job: TransformJob, workers: int, data: Path, store: ResultStore):
        if not _REQUEST_ID.fullmatch(job.request_id):
            raise ServiceXError(f"{job.request_id!r} cannot be the id of a transform.")
        for name in job.files:
            _check_name(name)
        self.job = job
        self.workers = workers
        self.store = store
        self.states: dict[str, str] = {}
        self.reporting = 0
        self.in_hand: set[int] = set()
        self.done: set[int] = set()
        self.last_served = 0
        self.stopped = threading.Event()
        self.log = TransformLog()
        self.program = data / "programs" / job.request_id
        self.scratch = data / "tmp" / job.request_id

    @property
    def busy(self) -> int:
        """How many children have a file of it in hand; one that is being stored does not keep a child."""
        return sum(state == TRANSFORMING for state in self.states.values())

    def write_program(self, user: ChildUser | None = None) -> None:
        """Write the generated files into a folder of their own, for a user of children who is not the server's.

        Raises `Unavailable` if the disk does not take them.
        """
        try:
            self.scratch.mkdir(parents=True, exist_ok=True)
            self.program.mkdir(parents=True, exist_ok=True)
            for name, content in self.job.files.items():
                (self.program / name).write_bytes(content)
            if user is not None:
                user.may_pass(self.program.parent)
                user.may_pass(self.scratch.parent)
                user.may_read(self.program)
                user.owns(self.scratch)
        except OSError as error:
            self.remove_folders()
            raise Unavailable(f"The generated program cannot be written to disk: {error.strerror}.") from error

    def remove_folders(self) -> None:
        """Remove the program and all temporary files."""
        shutil.rmtree(self.program, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)


class TransformLog:
    """The last of what a transform's workers printed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = ""

    def add(self, text: str) -> None:
        """Add what a worker printed while it had one file in hand."""
        if text and not text.endswith("\n"):
            text += "\n"
        with self._lock:
            self._text = (self._text + text)[-_KEPT_LOG:]

    def text(self) -> str:
        """What is remembered."""
        return self._text


def _check_name(name: str) -> None:
    if name in ("", "..") or name != PurePath(name).name or "\0" in name:
        raise ServiceXError(f"The code generator gave a file with the name {name!r}, which is not a plain file name.")
