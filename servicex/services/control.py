"""What the controller reads and writes: the work there is, the leases on it, and how far each step came."""
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session, defer

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.launcher.base import Failure, FileReport, TransformJob
from servicex.backends.object_store.base import StoredObject
from servicex.models import (Dataset, FileStatus, GeneratedProgram, TransformControl, TransformRequest, TransformResult,
                             TransformStatus)
from servicex.models import control as controls
from servicex.models import result as results
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.models.transform import ACTIVE
from servicex.services.transactions import Transactions
from servicex.services.transforms import unpack

# A controller that dies keeps others from its transforms for as long.
LEASE = timedelta(seconds=20)
BACKOFF_LIMIT = 60.0
LOST = "LostFile"


@dataclass(frozen=True)
class Claimed:
    """A transform whose lease this controller holds, with its notes as they were when it took it."""

    transform: TransformRequest
    control: TransformControl


@dataclass(frozen=True)
class Work:
    """The ids of transforms that may need a step: those that ended, and those that did not. `more` of them ended."""

    ended: Sequence[int]
    active: Sequence[int]
    more: bool


class LeaseLost(Exception):
    """Raised when another controller has taken over the transform: the step's outcome was not written."""


class ControlService:
    """The transactions of the controller. Each is short; whatever is slow happens between two of them."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions
        self._owner = uuid.uuid4().hex

    def take_over(self) -> None:
        """Void all leases: for a server that is the only one, and whose predecessor is dead."""
        with self._transactions.write() as session:
            session.execute(update(TransformControl).values(lease_owner=None, next_step_at=None))

    def work(self, most: int, seconds: float) -> Work:
        """The transforms that may need a step now; `most` may have workers, and none may take more than `seconds`.

        Those are the ones begun already, then the oldest that have files. All others wait, and cost nothing.
        """
        is_open = select(TransformRequest.id, TransformControl.next_step_at).join(
            TransformControl, TransformControl.transform_id == TransformRequest.id).where(~TransformControl.torn_down)
        due = or_(TransformControl.next_step_at.is_(None), TransformControl.next_step_at <= now())
        ended = is_open.where(TransformRequest.status.not_in(ACTIVE), due, controls.free(self._owner))
        active = is_open.where(TransformRequest.status.in_(ACTIVE))
        late = active.where(due, TransformRequest.submit_time < now() - timedelta(seconds=seconds))
        begun = active.where(TransformRequest.files > 0).order_by(TransformControl.lease_owner.is_(None))
        with self._transactions.read() as session:
            first, overdue, turn = (session.execute(query.order_by(TransformRequest.id).limit(most)).all()
                                    for query in (ended, late, begun))
        # One that is held off keeps its place: its workers may be there.
        ready = [row.id for row in turn if row.next_step_at is None or row.next_step_at <= now()]
        ids = [row.id for row in overdue] + ready
        return Work([row.id for row in first], list(dict.fromkeys(ids)), more=len(first) == most)

    def work_queues(self, age: timedelta) -> dict[str, TransformStatus]:
        """The work queues that may exist, with the state of the transform: of all that run or ended not longer ago."""
        late = or_(TransformRequest.status.in_(ACTIVE), TransformRequest.finish_time > now() - age)
        with self._transactions.read() as session:
            rows = session.execute(select(TransformRequest.request_id, TransformRequest.status).where(late).order_by(
                TransformRequest.id))
            return {work_queue(request_id): status for request_id, status in rows}

    def active(self, request_ids: Collection[str]) -> set[str]:
        """Those of the transforms that have not ended."""
        with self._transactions.read() as session:
            return set(session.scalars(select(TransformRequest.request_id).where(
                TransformRequest.request_id.in_(request_ids), TransformRequest.status.in_(ACTIVE))))

    def schemes(self) -> Sequence[str]:
        """The schemes of which datasets were ever looked up."""
        with self._transactions.read() as session:
            return session.scalars(select(Dataset.did_finder).distinct().order_by(Dataset.did_finder)).all()

    def claim(self, transform_id: int) -> Claimed | None:
        """Take the lease of a transform; None if another controller has it, or it is gone.

        A lease that has long to run is not renewed: most steps change nothing, and shall write nothing.
        """
        with self._transactions.read() as session:
            claimed = _read(session, transform_id)
        if claimed is None or self._holds(claimed.control):
            return claimed
        with self._transactions.write() as session:
            taken = controls.claim(session, transform_id, self._owner, now() + LEASE)
            return _read(session, transform_id) if taken else None

    def _holds(self, control: TransformControl) -> bool:
        until = control.lease_until
        return control.lease_owner == self._owner and until is not None and until - now() > LEASE / 2

    def renew(self, claimed: Claimed) -> None:
        """Renew the lease before something is made outside. Raises LeaseLost, also if the transform has ended."""
        with self._transactions.write() as session:
            held = controls.note(session, claimed.transform.id, self._owner, lease_until=now() + LEASE)
            newest = _read(session, claimed.transform.id) if held else None
        if newest is None or newest.transform.status.terminal:
            raise LeaseLost(claimed.transform.request_id)

    def job(self, claimed: Claimed) -> TransformJob:
        """What a launcher has to know of the transform."""
        transform = claimed.transform
        with self._transactions.read() as session:
            program = session.get_one(GeneratedProgram, transform.id)
        return TransformJob(
            request_id=transform.request_id, image=transform.image or "", language=transform.transformer_language or "",
            command=transform.transformer_command or "", files=unpack(program.archive),
            result_format=transform.result_format, result_destination=transform.result_destination)

    def next_messages(self, claimed: Claimed, endpoint: str, limit: int) -> Sequence[WorkMessage]:
        """The next work to publish, in the order of file ids; empty if all that is known was published."""
        transform = claimed.transform
        with self._transactions.read() as session:
            control = session.get_one(TransformControl, transform.id)
            files = results.unreported(session, transform, control.published_through, None, limit)
        return [WorkMessage(transform.request_id, f.id, f.paths, endpoint, transform.result_destination,
                            transform.result_format) for f in files]

    def published(self, claimed: Claimed, through: int) -> None:
        """Move the high-water mark. Raises LeaseLost."""
        self._note(claimed, published_through=through, published_at=now())

    def publish_again(self, claimed: Claimed, rounds: int) -> None:
        """Have all files without a result published again, from the first on; `rounds` of it came of silence.

        Raises LeaseLost.
        """
        self._note(claimed, published_through=0, published_at=None, stalled_rounds=rounds)

    def silent_rounds(self, claimed: Claimed) -> int:
        """How often work was published anew for want of any report, with no result since."""
        reported, published = claimed.transform.last_result_at, claimed.control.published_at
        progress = reported is not None and published is not None and reported > published
        return 0 if progress else claimed.control.stalled_rounds

    def forget_silence(self, claimed: Claimed) -> None:
        """Count such rounds from the beginning. Raises LeaseLost."""
        self._note(claimed, stalled_rounds=0)

    def last_sign_of_life(self, claimed: Claimed) -> tuple[datetime, float]:
        """When work was last published or reported, and the seconds the slowest file took."""
        transform = claimed.transform
        times = (transform.last_result_at, claimed.control.published_at, transform.submit_time)
        return max(t for t in times if t), transform.max_time or 0.0

    def lost_files(self, claimed: Claimed, after: int, limit: int) -> Sequence[FileReport]:
        """Reports that give up files beyond `after` which were published again and again, and never heard of."""
        transform, rounds = claimed.transform, claimed.control.stalled_rounds + 1
        why = Failure(LOST, f"No worker ever reported on this file, though it was handed out {rounds} times.")
        with self._transactions.read() as session:
            files = results.unreported(session, transform, after, claimed.control.published_through, limit)
        return [FileReport(transform.request_id, f.id, "failure", f.paths[0], 0.0, rounds, "", failure=why)
                for f in files]

    def give_up(self, claimed: Claimed, reason: str) -> None:
        """End the transform as Fatal; what its last step failed of is added to the reason."""
        if claimed.control.last_error:
            reason += f" {claimed.control.last_error}"
        with self._transactions.write() as session:
            transforms.move(session, claimed.transform.id, TransformStatus.FATAL, failure_description=reason)

    def object_names(self, claimed: Claimed) -> set[str]:
        """The names of all objects that are results of the transform."""
        with self._transactions.read() as session:
            return results.object_names(session, claimed.transform.request_id)

    def sizes_missing(self, claimed: Claimed) -> bool:
        """Whether there are results of which nobody has told how large they are."""
        with self._transactions.read() as session:
            return bool(results.without_size(session, claimed.transform.request_id, limit=1))

    def note_sizes(self, claimed: Claimed, objects: Sequence[StoredObject]) -> None:
        """Note how large these objects are where that is not known, and keep the lease. Raises LeaseLost."""
        transform = claimed.transform
        sizes = {found.key: found.size for found in objects}
        with self._transactions.write() as session:
            ids = results.without_size(session, transform.request_id, list(sizes))
            rows = [{"id": ids[name], "object_size": sizes[name], "total_bytes": sizes[name]} for name in ids]
            if rows:
                session.execute(update(TransformResult), rows)
                session.execute(update(TransformRequest).where(TransformRequest.id == transform.id).values(
                    total_bytes=TransformRequest.total_bytes + sum(row["object_size"] for row in rows)))
            if not controls.note(session, transform.id, self._owner, lease_until=now() + LEASE):
                raise LeaseLost(transform.request_id)

    def sweep_later(self, claimed: Claimed) -> bool:
        """Whether what an ended transform left is to be cleared away once more, and have that done when it is time.

        Until the time of a lease is over, another controller may not have heard of the end.
        """
        ended = claimed.transform.finish_time
        if ended is None or ended + LEASE <= now():
            return False
        self._schedule(claimed, failed_steps=0, last_error=None, next_step_at=ended + LEASE)
        return True

    def torn_down(self, claimed: Claimed) -> None:
        """Note that nothing of an ended transform runs or waits any more."""
        self._schedule(claimed, torn_down=True, failed_steps=0, last_error=None, next_step_at=None)

    def step_failed(self, claimed: Claimed, error: Exception) -> None:
        """Hold the transform off for a while, longer each time."""
        wait = min(BACKOFF_LIMIT, 2.0 ** min(claimed.control.failed_steps, 10))
        self._schedule(claimed, last_error=str(error)[:1000], failed_steps=claimed.control.failed_steps + 1,
                       next_step_at=now() + timedelta(seconds=wait))

    def step_succeeded(self, claimed: Claimed) -> None:
        """Forget earlier failures, if there were any."""
        if claimed.control.failed_steps:
            self._schedule(claimed, failed_steps=0, last_error=None, next_step_at=None)

    def remove(self, claimed: Claimed) -> None:
        """Remove the rows of a deleted transform for good."""
        request_id = claimed.transform.request_id
        with self._transactions.write() as session:
            for table in (TransformResult, FileStatus):
                session.execute(delete(table).where(table.request_id == request_id))
            for owned in (GeneratedProgram, TransformControl):
                session.execute(delete(owned).where(owned.transform_id == claimed.transform.id))
            session.execute(delete(TransformRequest).where(TransformRequest.id == claimed.transform.id))

    def expire_datasets(self, age: timedelta) -> None:
        """Remove the datasets that are stale, not used for so long, and that no transform refers to any more."""
        with self._transactions.write() as session:
            used = exists().where(TransformRequest.did_id == Dataset.id)
            session.execute(delete(Dataset).where(Dataset.is_stale, Dataset.last_used < now() - age, ~used))

    def trim_log(self) -> None:
        """Keep the database's own log from growing without end."""
        self._transactions.trim_log()

    def _note(self, claimed: Claimed, **values: object) -> None:
        """Write the outcome of a step, and keep the lease: whoever comes so far is alive. Raises LeaseLost."""
        values = {"lease_until": now() + LEASE, **values}
        with self._transactions.write() as session:
            if not controls.note(session, claimed.transform.id, self._owner, **values):
                raise LeaseLost(claimed.transform.request_id)

    def _schedule(self, claimed: Claimed, **values: object) -> None:
        """Write when the next step is due, unless somebody has hurried it meanwhile: it is due at once then."""
        with self._transactions.write() as session:
            controls.schedule(session, claimed.control, self._owner, **values)


def _read(session: Session, transform_id: int) -> Claimed | None:
    """A transform, without its selection, and the controller's notes on it."""
    row = session.execute(select(TransformRequest, TransformControl).join(
        TransformControl, TransformControl.transform_id == TransformRequest.id
    ).where(TransformRequest.id == transform_id).options(defer(TransformRequest.selection)).execution_options(
        populate_existing=True)).one_or_none()
    return Claimed(row[0], row[1]) if row else None
