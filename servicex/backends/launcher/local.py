"""The launcher of the embedded mode: transformers as processes on the server's own machine."""
import logging
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from servicex.backends.launcher.base import Launcher, ReportSink, TransformJob, WorkersStatus
from servicex.backends.launcher.local_delivery import Deliveries
from servicex.backends.launcher.local_runner import ProgramRunner, WorkerLimits
from servicex.backends.launcher.local_transform import TRANSFORMING, LocalTransform
from servicex.backends.launcher.local_turns import Turns
from servicex.backends.launcher.local_work import WorkSource
from servicex.backends.launcher.local_worker import LocalWorker
from servicex.backends.result_store import ResultStore
from servicex.errors import ServiceXError, Unavailable
from servicex.processes import WarmParent

__all__ = ["LocalLauncher", "WorkerLimits"]

_STOPPED_WITHIN = 0.8
_REPORTED_WITHIN = 10.0

logger = logging.getLogger(__name__)


class LocalLauncher(Launcher):
    """Has `workers` workers, shared by all started transforms in turns.

    Programs and unfinished results are kept below the folder `data`, which no other launcher may use at that time and
    which is on the same file system as a local object store. `stores` takes the results, by destination. Reports tell
    `host`, by default this machine's name. The warm parent is not closed with the launcher.
    """

    def __init__(self, source: WorkSource, stores: Mapping[str, ResultStore], warm: WarmParent, reports: ReportSink,
                 workers: int, data: Path, limits: WorkerLimits | None = None, host: str = ""):
        self._warm = warm
        self._data = data.absolute()
        _clear(self._data)
        self._stores = stores
        self._starting = threading.Lock()
        self._turns = Turns(source)
        source.on_publish(self._turns.wake)
        threading.Thread(target=_warm_up, args=(warm,), name="warm-up", daemon=True).start()
        limits = limits or WorkerLimits()
        self._deliveries = Deliveries(reports, self._turns, limits.report_seconds)
        self._runners = [ProgramRunner(warm, limits) for _ in range(workers)]
        self._workers = [
            LocalWorker(f"worker-{number}{half}", self._turns, runner, reports, self._deliveries, limits,
                        host or socket.gethostname())
            for number, runner in enumerate(self._runners, 1) for half in "ab"]
        for thread in (self._deliveries, *self._workers):
            thread.start()

    def start(self, job: TransformJob, workers: int) -> None:
        """Serve the transform's queue. Raises `Unavailable` if the disk is full, `ServiceXError` for an unfit job."""
        with self._starting:
            if self._turns.get(job.request_id) is None:
                transform = LocalTransform(job, workers, self._data, self._store_for(job))
                transform.write_program(self._warm.user)
                self._turns.add(transform)

    def _store_for(self, job: TransformJob) -> ResultStore:
        try:
            return self._stores[job.result_destination]
        except KeyError:
            raise ServiceXError(f"There is no destination {job.result_destination!r} here.") from None

    def scale(self, request_id: str, workers: int) -> None:
        transform = self._turns.get(request_id)
        if transform is not None:
            transform.workers = workers
            self._turns.wake()

    def status(self, request_id: str) -> WorkersStatus | None:
        """What the workers are doing: `transforming`, or `waiting` for a file or a turn.

        Apart from them, `storing` counts the results that are being stored, and `reporting` those to be reported.
        """
        transform = self._turns.get(request_id)
        if transform is None:
            return None
        workers = min(transform.workers, len(self._runners))
        states = Counter(list(transform.states.values()))
        states["reporting"] = transform.reporting
        states["waiting"] = max(0, workers - states[TRANSFORMING])
        in_hand = sum(n for state, n in states.items() if state != "waiting")
        return WorkersStatus(workers, workers, dict(+states), in_hand)

    def logs(self, request_id: str, tail: int) -> str:
        transform = self._turns.get(request_id)
        if transform is None or tail <= 0:
            return ""
        printed = [transform.log.text(), *(runner.printed(transform) for runner in self._runners)]
        return "\n".join("".join(printed).splitlines()[-tail:])

    def stop(self, request_id: str) -> None:
        transform = self._turns.remove(request_id)
        if transform is None:
            return
        for runner in self._runners:
            runner.kill(transform)
        if not self._turns.wait_until_left(transform, _STOPPED_WITHIN):
            logger.warning("a worker is slow to leave the stopped transform %s", request_id)
        transform.remove_folders()

    def finish(self, seconds: float) -> bool:
        """Begin no other file, and wait up to `seconds` for those in hand; whether all of them came to their end."""
        self._turns.close()
        deadline = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        self._deliveries.close()
        self._deliveries.join(_REPORTED_WITHIN)
        return not any(worker.is_alive() for worker in self._workers)

    def close(self) -> None:
        self._turns.close()
        for request_id in self._turns.all():
            self.stop(request_id)
        for worker in self._workers:
            worker.join(_STOPPED_WITHIN)
        self._deliveries.close()
        self._deliveries.join(_STOPPED_WITHIN)


def _clear(data: Path) -> None:
    """Remove what a server that was killed may have left."""
    for name in ("programs", "tmp"):
        shutil.rmtree(data / name, ignore_errors=True)
        (data / name).mkdir(parents=True)


def _warm_up(warm: WarmParent) -> None:
    try:
        warm.start()
    except (Unavailable, OSError) as error:
        logger.error("the warm parent does not start: %s", error)
