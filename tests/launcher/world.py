"""A launcher among real parts, and a sink that writes down what it is told."""
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.launcher.base import FileEvent, FileReport, TransformJob
from servicex.backends.launcher.local import LocalLauncher, WorkerLimits
from servicex.backends.launcher.local_work import InProcessWork
from servicex.backends.object_store.local import LocalObjectStore
from servicex.backends.results_volume import ResultsVolume
from servicex.errors import Unavailable
from servicex.processes import WarmParent
from tests.transformer.conftest import QUERY, program_files


class Sink:
    """Remembers reports and events; is `away` while told so."""

    def __init__(self) -> None:
        self.reports: list[FileReport] = []
        self.events: list[FileEvent] = []
        self.refused = 0
        self.away = False
        self._changed = threading.Condition()

    def event(self, event: FileEvent) -> None:
        self.events.append(event)

    def report_all(self, reports: Sequence[FileReport]) -> list[bool]:
        with self._changed:
            if self.away:
                self.refused += 1
                raise Unavailable("The database is away.")
            self.reports.extend(reports)
            self._changed.notify_all()
            return [True] * len(reports)

    def wait(self, count: int, seconds: float = 20.0, request_id: str | None = None) -> list[FileReport]:
        """The reports (of one transform) once there are so many."""
        def wanted() -> list[FileReport]:
            return [report for report in self.reports if request_id in (None, report.request_id)]
        with self._changed:
            came = self._changed.wait_for(lambda: len(wanted()) >= count, seconds)
            assert came, f"{len(wanted())} of {count} reports after {seconds} s"
            return wanted()

    def statuses(self, file_id: int) -> list[str]:
        """What happened to a file, in order."""
        return [event.status for event in self.events if event.file_id == file_id]


class World:
    """A local launcher with its broker, store and sink."""

    def __init__(self, folder: Path, warm: WarmParent, workers: int = 2, limits: WorkerLimits | None = None):
        self.folder = folder
        self.broker = InProcessBroker()
        self.store = LocalObjectStore(folder / "results", b"a secret for tests")
        self.sink = Sink()
        self.limits = limits or WorkerLimits(file_seconds=20, pause_seconds=0.05)
        self.volume = ResultsVolume(folder / "volume")
        stores = {"object-store": self.store, "volume": self.volume}
        self.launcher = LocalLauncher(InProcessWork(self.broker), stores, warm, self.sink, workers, folder / "data",
                                      self.limits)

    def job(self, query: str = QUERY, destination: str = "object-store", **files: str) -> TransformJob:
        """A job with this query."""
        return TransformJob(str(uuid.uuid4()), "image", "python", "/generated/transform_single_file.py",
                            program_files(query, **files), "root-file", destination)

    def submit(self, query: str, inputs: Sequence[str | tuple[str, ...]], workers: int = 2, **files: str) -> str:
        """Start a transform and publish its files, their ids being 1, 2, ...; gives its request id."""
        job = self.job(query, **files)
        self.store.create(job.request_id)
        self.broker.declare(work_queue(job.request_id))
        self.launcher.start(job, workers)
        self.publish(job.request_id, inputs)
        return job.request_id

    def publish(self, request_id: str, inputs: Sequence[str | tuple[str, ...]], first: int = 1) -> None:
        messages = [WorkMessage(request_id, file_id, paths if isinstance(paths, tuple) else (paths,),
                                "http://localhost", "object-store", "root-file")
                    for file_id, paths in enumerate(inputs, first)]
        self.broker.publish(work_queue(request_id), messages)

    def leftovers(self) -> list[str]:
        """The files below the launcher's own folder."""
        return [str(path) for path in (self.folder / "data").rglob("*") if path.is_file()]


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition comes true within this time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()
