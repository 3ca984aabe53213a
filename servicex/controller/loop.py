"""The loop of the controller: woken, it takes every transform and look-up that needs it one step further."""
import logging
import threading
import time
from datetime import timedelta
from typing import Protocol

from servicex.controller.steps import TransformSteps
from servicex.errors import ServiceXError, Unavailable
from servicex.services.control import ControlService, LeaseLost
from servicex.services.datasets import DatasetService
from servicex.services.results import ResultService

log = logging.getLogger(__name__)
EXPIRY_SECONDS = 3600.0
SWEEP_SECONDS = 600.0
# Writers may wait for a second when the database's log is trimmed.
TRIM_SECONDS = 30.0
# A client that was told of a bad dataset asks for it afterwards, to learn the reason.
STALE_KEPT = timedelta(days=1)


class Waking(Protocol):
    """What the controller waits by. A wake-up that is lost costs one interval."""

    def __call__(self) -> None:
        """Have the controller look at once."""

    def wait(self, seconds: float) -> None:
        """Return when woken, or after some seconds."""


class Wakeup:
    """An event in the process that the controller runs in."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Return when woken, or after some seconds."""
        self._event.wait(seconds)
        self._event.clear()


class Controller:
    """Runs the steps in a thread of its own, from `start` to `close`."""

    def __init__(self, control: ControlService, datasets: DatasetService, results: ResultService,
                 steps: TransformSteps, wakeup: Waking, interval: float, lookup_seconds: float, lookup_attempts: int):
        self._control = control
        self._datasets = datasets
        self._results = results
        self._steps = steps
        self._wakeup = wakeup
        self._interval = interval
        self._lookup_seconds = lookup_seconds
        self._lookup_attempts = lookup_attempts
        self._next_expiry = 0.0
        self._next_trim = 0.0
        self._next_sweep = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="controller", daemon=True)

    def start(self) -> None:
        """Begin to work in the background."""
        self._thread.start()

    def close(self, seconds: float = 10.0) -> None:
        """Stop after the step under way; waits at most some seconds for it."""
        self._closing.set()
        self._wakeup()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.pass_once()
            except Unavailable as error:
                log.warning("the controller's pass has to wait: %s", error)
            except Exception:
                log.exception("the controller's pass failed; it goes on with the next")
            self._wakeup.wait(self._interval)

    def pass_once(self) -> None:
        """One step for each look-up and each transform that needs one."""
        self._results.flush()
        for dataset_id in self._datasets.open_lookups():
            self._look_up(dataset_id)
        self._expire()
        work = self._steps.work()
        if work.more:
            self._wakeup()
        for transform_id in (*work.ended, *work.active):
            if self._closing.is_set():
                return
            self._step(transform_id)
        self._trim()
        self._sweep()

    def _trim(self) -> None:
        if time.monotonic() >= self._next_trim:
            self._next_trim = time.monotonic() + TRIM_SECONDS
            self._control.trim_log()

    def _expire(self) -> None:
        if time.monotonic() >= self._next_expiry:
            self._next_expiry = time.monotonic() + EXPIRY_SECONDS
            self._control.expire_datasets(STALE_KEPT)

    def _sweep(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_SECONDS
        try:
            self._steps.sweep()
        except ServiceXError as error:
            log.warning("what nobody wants could not be swept: %s", error.message)

    def _look_up(self, dataset_id: int) -> None:
        try:
            self._datasets.begin_lookup(dataset_id, self._lookup_seconds, self._lookup_attempts)
        except Exception:
            log.exception("the look-up of dataset %s could not be begun", dataset_id)

    def _step(self, transform_id: int) -> None:
        claimed = self._control.claim(transform_id)
        if claimed is None:
            return
        try:
            self._steps.step(claimed)
            self._control.step_succeeded(claimed)
        except LeaseLost:
            log.info("another controller took over transform %s", claimed.transform.request_id)
        except Unavailable as error:
            log.warning("a step of transform %s has to wait: %s", claimed.transform.request_id, error)
            self._control.step_failed(claimed, error)
        except ServiceXError as error:
            self._control.give_up(claimed, error.message)
        except Exception as error:
            log.exception("a step of transform %s failed", claimed.transform.request_id)
            self._control.step_failed(claimed, error)
