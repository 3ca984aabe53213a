"""The steps of the controller. Each is idempotent: run again after a crash at any point, it repairs what was left."""
import itertools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from servicex.backends.broker.base import Broker, QueueGone, QueueState, work_queue
from servicex.backends.launcher.base import Launcher
from servicex.backends.object_store.base import ObjectStore
from servicex.backends.result_store import ResultStore
from servicex.controller.kills import KillAccounting
from servicex.errors import ServiceXError
from servicex.models import TransformRequest, TransformStatus
from servicex.models.base import now
from servicex.services.control import Claimed, ControlService, Work
from servicex.services.results import ResultService

log = logging.getLogger(__name__)
# After so many seconds without a report, files that nobody can have in hand are taken for lost.
LOST_SECONDS = 10.0
OBJECTS_AT_ONCE = 1000


@dataclass(frozen=True)
class Workers:
    """How many workers a transform has: `most` and `fewest`, and whether more come as more files are found."""

    most: int
    fewest: int = 1
    follow_files: bool = True


@dataclass(frozen=True)
class Limits:
    """How much at once, and how long, in seconds. A transform has `workers`, and `active` of them have any."""

    workers: Workers
    publish_chunk: int
    publish_ahead: int
    stall_seconds: float
    stall_rounds: int
    transform_seconds: float
    active: int = 100


class TransformSteps:
    """Takes a claimed transform one step further."""

    def __init__(self, control: ControlService, results: ResultService, broker: Broker, launcher: Launcher,
                 stores: Mapping[str, ResultStore], endpoint: Callable[[str], str], limits: Limits,
                 kills: KillAccounting):
        self._control = control
        self._results = results
        self._broker = broker
        self._launcher = launcher
        self._stores = stores
        self._endpoint = endpoint
        self._limits = limits
        self._kills = kills

    def work(self) -> Work:
        """The transforms that may need a step now."""
        return self._control.work(self._limits.active, self._limits.transform_seconds)

    def sweep(self) -> None:
        """Stop the workers of transforms that are not to have any: those that a crash or another server left."""
        there = self._launcher.request_ids()
        for request_id in set(there) - self._control.active(there):
            log.warning("transform %s has transformers that nobody wants; they are stopped", request_id)
            self._launcher.stop(request_id)

    def step(self, claimed: Claimed) -> None:
        """Whatever the transform needs next."""
        transform = claimed.transform
        if transform.deleted_at:
            return self._remove(claimed)
        if transform.status.terminal:
            return self._tear_down(claimed)
        if self._overdue(transform):
            return self._control.give_up(claimed, f"Not done within {self._limits.transform_seconds:.0f} seconds.")
        if transform.files:
            self._work(claimed)

    def _overdue(self, transform: TransformRequest) -> bool:
        return now() - transform.submit_time > timedelta(seconds=self._limits.transform_seconds)

    def _work(self, claimed: Claimed) -> None:
        queue = work_queue(claimed.transform.request_id)
        state = self._broker.state(queue)
        if state is None or not claimed.control.published_through:
            self._begin(claimed, queue)
        elif self._stalled(claimed, state):
            return self._revive(claimed)
        self._publish(claimed, queue, state.waiting if state else 0)
        self._launch(claimed)

    def _launch(self, claimed: Claimed) -> None:
        """Start the workers, or have as many of them as the files left deserve."""
        workers = self._workers(claimed.transform)
        status = self._launcher.status(claimed.transform.request_id)
        if status is None:
            self._control.renew(claimed)
            return self._launcher.start(self._control.job(claimed), workers)
        self._kills.account(claimed, status)
        if status.hopeless and not claimed.transform.files_reported:
            return self._control.give_up(claimed, f"No transformer could be started. {status.trouble}")
        if self._limits.workers.follow_files:
            self._launcher.scale(claimed.transform.request_id, workers)

    def _begin(self, claimed: Claimed, queue: str) -> None:
        """Make the place for the results and the queue, which a worker that was early may have made.

        If the queue was there before and is gone, so are the messages in it.
        """
        self._control.renew(claimed)
        self._make_place(claimed.transform)
        self._broker.declare(queue)
        if claimed.control.published_through:
            log.warning("the queue of transform %s was gone; publishing its open files again",
                        claimed.transform.request_id)
            self._control.publish_again(claimed, claimed.control.stalled_rounds)

    def _make_place(self, transform: TransformRequest) -> None:
        store = self._stores.get(transform.result_destination)
        if store is None:
            raise ServiceXError(f"This server no longer has the destination {transform.result_destination}.")
        store.create(transform.request_id)

    def _publish(self, claimed: Claimed, queue: str, depth: int) -> None:
        """Fill the queue up to `publish_ahead` messages, chunk by chunk; the mark moves after each chunk."""
        endpoint = self._endpoint(claimed.transform.request_id)
        while depth < self._limits.publish_ahead:
            messages = self._control.next_messages(claimed, endpoint, self._limits.publish_chunk)
            if not messages:
                return
            try:
                self._broker.publish(queue, messages)
            except QueueGone:
                return self._control.publish_again(claimed, claimed.control.stalled_rounds)
            self._control.published(claimed, messages[-1].file_id)
            depth += len(messages)

    def _workers(self, transform: TransformRequest) -> int:
        limits = self._limits.workers
        return max(limits.fewest, min(transform.workers or limits.most, limits.most, transform.files_remaining or 1))

    def _stalled(self, claimed: Claimed, state: QueueState) -> bool:
        """Whether work was handed out, none of it waits, and nothing was heard of it for too long.

        A worker has one message in hand. So if more files are open than there are workers, messages were lost: a queue
        vanishes with its last worker, and the next one makes it again, empty. That is seen at once.
        """
        if state.waiting or not claimed.transform.files_remaining or self._in_hand(claimed.transform.request_id):
            return False
        heard, slowest = self._control.last_sign_of_life(claimed)
        patience = max(self._limits.stall_seconds, 3 * slowest)
        if self._more_open_than_in_hand(claimed, state):
            patience = min(patience, LOST_SECONDS)
        return now() - heard > timedelta(seconds=patience)

    def _more_open_than_in_hand(self, claimed: Claimed, state: QueueState) -> bool:
        """Whether files are open that no worker has. Once in a row only: some workers may take several at a time."""
        if state.consumers is None or self._control.silent_rounds(claimed):
            return False
        status = self._launcher.status(claimed.transform.request_id)
        each = status.messages_each if status else 1
        return (claimed.transform.files_remaining or 0) > state.consumers * each

    def _in_hand(self, request_id: str) -> int:
        status = self._launcher.status(request_id)
        return status.in_hand if status else 0

    def _revive(self, claimed: Claimed) -> None:
        """Publish the open files once more, or fail those that were handed out when that was done often enough."""
        rounds = self._control.silent_rounds(claimed)
        if rounds >= self._limits.stall_rounds:
            return self._fail_lost(claimed)
        log.warning("transform %s stalled; publishing its open files again", claimed.transform.request_id)
        self._control.publish_again(claimed, rounds + 1)

    def _fail_lost(self, claimed: Claimed) -> None:
        after = 0
        while reports := self._control.lost_files(claimed, after, self._limits.publish_chunk):
            for report in reports:
                self._results.report(report)
            after = reports[-1].file_id
        self._control.forget_silence(claimed)

    def _tear_down(self, claimed: Claimed) -> None:
        """Stop the workers first and delete the queue last: a worker whose queue is gone makes it again.

        And once more later, for the queue that another controller made meanwhile, or a worker that was slow to stop.
        """
        request_id = claimed.transform.request_id
        self._launcher.stop(request_id)
        self._kills.forget(request_id)
        self._broker.delete(work_queue(request_id))
        self._measure(claimed)
        if not self._control.sweep_later(claimed):
            self._remove_leftovers(claimed)
            self._control.torn_down(claimed)

    def _measure(self, claimed: Claimed) -> None:
        """Ask the store how large the results are that came from transformers which do not tell it, many at a time."""
        store = self._stores.get(claimed.transform.result_destination)
        if not isinstance(store, ObjectStore) or not self._control.sizes_missing(claimed):
            return
        objects = store.objects(claimed.transform.request_id)
        while chunk := list(itertools.islice(objects, OBJECTS_AT_ONCE)):
            self._control.note_sizes(claimed, chunk)

    def _remove_leftovers(self, claimed: Claimed) -> None:
        """Remove objects that are no result: of a worker that died before its report, while another had the file too.

        Where an object is missing, the transformers may call theirs otherwise than we think, and nothing is touched.
        """
        store = self._stores.get(claimed.transform.result_destination)
        if not isinstance(store, ObjectStore) or claimed.transform.status is not TransformStatus.COMPLETE:
            return
        request_id, wanted = claimed.transform.request_id, self._control.object_names(claimed)
        there = {found.key for found in store.objects(request_id)}
        if not wanted <= there:
            return log.warning("%d results of transform %s are not in its bucket", len(wanted - there), request_id)
        for name in there - wanted:
            store.delete_object(request_id, name)

    def _remove(self, claimed: Claimed) -> None:
        self._launcher.stop(claimed.transform.request_id)
        self._broker.delete(work_queue(claimed.transform.request_id))
        store = self._stores.get(claimed.transform.result_destination)
        if store:  # else the site has given up this destination, and what lies there is its own affair
            store.delete(claimed.transform.request_id)
        self._control.remove(claimed)
