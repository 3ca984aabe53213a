"""Everything that can happen to transforms, in any order: what `hypothesis` plays with."""
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import delete, select, update

from servicex.backends.broker.base import work_queue
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.did_finder.base import LookupEnded, LookupFailure
from servicex.backends.launcher.base import Failure, FileReport
from servicex.backends.object_store.local import LocalObjectStore
from servicex.controller.kills import KillAccounting
from servicex.controller.loop import Controller, Wakeup
from servicex.controller.steps import Limits, TransformSteps, Workers
from servicex.errors import BadRequest, NotFound
from servicex.models import Base, Dataset, DatasetFile, TransformControl, TransformRequest
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from servicex.services.kills import KillService
from servicex.services.submissions import OBJECT_STORE
from tests.accounting.ledger import Ledger
from tests.controller.test_steps import Idle
from tests.databases import House, found

Thing = TypeVar("Thing")
PATIENT = Limits(workers=Workers(2), publish_chunk=2, publish_ahead=3, stall_seconds=300, stall_rounds=2,
                 transform_seconds=1000, active=3)
IMPATIENT = replace(PATIENT, stall_seconds=0.0)
PAST = timedelta(hours=2)
ROUNDS_TO_END = 60

some = st.integers(0, 11)
paths = st.lists(st.sampled_from([f"/file{number}" for number in range(5)]), min_size=1, max_size=4)
# Two names of one result (it was made of another replica, or twice), and one that all files fight for.
names = st.sampled_from(["replica-1-of-{}", "replica-2-of-{}", "the-same-for-all"])
sides = st.sampled_from([0, 1])


def pick(things: Sequence[Thing], number: int) -> Thing:
    return things[number % len(things)]


class Accounting(RuleBasedStateMachine):
    """Two servers on one database, one broker, and workers and finders that do whatever they like.

    `side` says which of the two servers something reaches. The second one's controller loses patience at once.
    """

    def __init__(self, houses: Sequence[House], folder: Path):
        super().__init__()
        self.houses = houses
        self.transactions = houses[0].transactions
        self.broker = InProcessBroker()
        self.launcher = Idle()
        store = LocalObjectStore(folder / "results", b"a secret of this test")
        self.controllers = [self._controller(house, store, limits)
                            for house, limits in zip(houses, (PATIENT, IMPATIENT), strict=True)]
        self.submitted: list[TransformRequest] = []
        self.taken: list[tuple[str, int]] = []
        self.ledger = Ledger(self.transactions)

    def _controller(self, house: House, store: LocalObjectStore, limits: Limits) -> Controller:
        steps = TransformSteps(house.control, house.results, self.broker, self.launcher,
                               {OBJECT_STORE: store}, str, limits,
                               KillAccounting(KillService(house.transactions), house.results, 3))
        return Controller(house.control, house.datasets, house.results, steps, Wakeup(), 1.0, 60.0, 2)

    @initialize()
    def begin_with_nothing(self) -> None:
        with self.transactions.write() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))

    # People

    @rule(side=sides, did=st.sampled_from(["test://one", "test://two"]))
    def submit_did(self, side: int, did: str) -> None:
        self.submitted.append(self.houses[side].submit(did=did))

    @rule(side=sides, files=paths)
    def submit_list(self, side: int, files: list[str]) -> None:
        self.submitted.append(self.houses[side].submit(files=files))

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some)
    def cancel(self, side: int, number: int) -> None:
        with suppress(BadRequest, NotFound):
            self.houses[side].transforms.cancel(SINGLE_USER, pick(self.submitted, number).request_id)

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some)
    def delete(self, side: int, number: int) -> None:
        with suppress(BadRequest, NotFound):
            self.houses[side].transforms.delete(SINGLE_USER, pick(self.submitted, number).request_id)

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some)
    def delete_dataset(self, side: int, number: int) -> None:
        with suppress(BadRequest, NotFound):
            self.houses[side].datasets.delete(SINGLE_USER, pick(self.submitted, number).did_id)

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some)
    def refresh_dataset(self, side: int, number: int) -> None:
        with suppress(BadRequest, NotFound):
            self.houses[side].datasets.refresh(SINGLE_USER, pick(self.submitted, number).did_id)

    # Finders: early, late, twice

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some, files=paths)
    def find(self, side: int, number: int, files: list[str]) -> None:
        with suppress(LookupEnded, NotFound):
            self.houses[side].datasets.files(pick(self.submitted, number).did_id, found(*files))

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some)
    def complete_lookup(self, side: int, number: int) -> None:
        with suppress(LookupEnded, NotFound):
            self.houses[side].datasets.complete(pick(self.submitted, number).did_id)

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some)
    def fail_lookup(self, side: int, number: int) -> None:
        with suppress(LookupEnded, NotFound):
            self.houses[side].datasets.failed(pick(self.submitted, number).did_id, LookupFailure.BAD_NAME, "no")

    # Workers: of queues that are there, of messages taken long ago, of files never handed out

    @precondition(lambda self: self.submitted)
    @rule(number=some, count=st.integers(1, 4))
    def take(self, number: int, count: int) -> None:
        request_id = pick(self.submitted, number).request_id
        for _ in range(count):
            message = self.broker.take(work_queue(request_id))
            if message is not None:
                self.taken.append((request_id, message.file_id))

    @precondition(lambda self: self.taken)
    @rule(side=sides, number=some, success=st.booleans(), name=names, events=st.integers(0, 3))
    def report(self, side: int, number: int, success: bool, name: str, events: int) -> None:
        self._report(side, [report_of(*pick(self.taken, number), success, name, events)])

    @precondition(lambda self: self.submitted)
    @rule(side=sides, number=some, which=st.lists(st.tuples(some, st.booleans(), names), min_size=1, max_size=6))
    def report_in_a_group(self, side: int, number: int, which: list[tuple[int, bool, str]]) -> None:
        transform = pick(self.submitted, number)
        file_ids = self._file_ids(transform)
        if file_ids:
            self.houses[side].results.report_all([
                report_of(transform.request_id, pick(file_ids, file), success, name, 1)
                for file, success, name in which])

    def _report(self, side: int, reports: Sequence[FileReport]) -> None:
        for report in reports:
            with suppress(NotFound):
                self.houses[side].results.report(report)

    def _file_ids(self, transform: TransformRequest) -> Sequence[int]:
        with self.transactions.read() as session:
            return session.scalars(select(DatasetFile.id).where(
                DatasetFile.dataset_id == transform.did_id).order_by(DatasetFile.id)).all()

    # What runs by itself, and what goes wrong

    @rule(side=sides)
    def controller_pass(self, side: int) -> None:
        self.controllers[side].pass_once()

    @precondition(lambda self: self.submitted)
    @rule(number=some)
    def queue_vanishes(self, number: int) -> None:
        self.broker.delete(work_queue(pick(self.submitted, number).request_id))

    @rule()
    def leases_run_out(self) -> None:
        self._update(update(TransformControl).values(lease_until=now() - PAST, next_step_at=None))

    @rule()
    def lookups_are_overdue(self) -> None:
        self._update(update(Dataset).values(lookup_deadline=now() - PAST))

    @rule(side=sides)
    def datasets_expire(self, side: int) -> None:
        self.houses[side].control.expire_datasets(timedelta(0))

    @rule(side=sides)
    def restart(self, side: int) -> None:
        """As an embedded server begins: queues and workers went with the one before."""
        for transform in self.submitted:
            self.broker.delete(work_queue(transform.request_id))
        self.launcher.close()
        self.houses[side].control.take_over()
        self.houses[side].datasets.forget_lookups()

    def _update(self, statement: object) -> None:
        with self.transactions.write() as session:
            session.execute(statement)  # type: ignore[call-overload]

    @invariant()
    def accounts_are_right(self) -> None:
        self.ledger.check()

    def teardown(self) -> None:
        """Let all go well from here on: every transform ends, and is cleared away."""
        for _ in range(ROUNDS_TO_END):
            if not self._open():
                return self._check_nothing_is_left()
            self._go_on()
            self.ledger.check()
        raise AssertionError(f"transforms {self._open()} do not end")

    def _check_nothing_is_left(self) -> None:
        assert not self.launcher.started
        assert not [t for t in self.submitted if self.broker.state(work_queue(t.request_id))]
        with self.transactions.read() as session:
            assert not session.scalars(select(TransformRequest).where(TransformRequest.deleted_at.is_not(None))).all()

    def _open(self) -> Sequence[int]:
        with self.transactions.read() as session:
            return session.scalars(select(TransformControl.transform_id).where(~TransformControl.torn_down)).all()

    def _go_on(self) -> None:
        self.leases_run_out()
        # What ended is cleared away once more after the time of a lease.
        self._update(update(TransformRequest).where(TransformRequest.finish_time.is_not(None)).values(
            finish_time=now() - PAST))
        self.controller_pass(1)
        for number, transform in enumerate(self.submitted):
            self.find(0, number, ["/file0"])
            self.complete_lookup(0, number)
            self.take(number, 4)
            self._report(0, [report_of(transform.request_id, file_id, True, "replica-1-of-{}", 1)
                             for name, file_id in self.taken if name == transform.request_id])
        self.taken.clear()


def report_of(request_id: str, file_id: int, success: bool, name: str, events: int) -> FileReport:
    """A report on a file; those on failures tell of the events read before."""
    if success:
        return FileReport(request_id, file_id, "success", "/a", 0.5, 1, "host", events,
                          object_name=name.format(file_id), object_size=10)
    return FileReport(request_id, file_id, "failure", "/a", 0.25, 1, "host", events, failure=Failure("KeyError", "no"))
