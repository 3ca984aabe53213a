"""Datasets: named by a DID or given as a list, looked up once for all who ask, kept for a while."""
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from servicex.backends.did_finder.base import DidFinder, FoundFile, LookupFailure
from servicex.errors import Forbidden, InvalidDataset, Unavailable
from servicex.models import Dataset, DatasetFile, LookupStatus, TransformRequest, TransformStatus
from servicex.models import dataset as datasets
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.models.dataset import OPEN_LOOKUPS
from servicex.services import lookups
from servicex.services.audit import Action, record
from servicex.services.caller import Caller
from servicex.services.paging import in_pages
from servicex.services.transactions import Transactions

DID = re.compile(r"([A-Za-z][\w.+-]*)://(.*)", re.DOTALL)
LIST_FINDER = "user"
# Between its insert and its lock a row may become stale at the hands of another; more than once is bad luck.
OBTAIN_TRIES = 4
ASK_AGAIN_SECONDS = 10.0
# A controller that dies while it asks a finder, or has one at work in its own process, is missed after as many seconds.
LOOKUP_LEASE = 20.0
Replicas = Callable[[Sequence[str]], Sequence[tuple[str, ...]]]
NAME_LIMIT = 1024
ROWS_PAGE = 1000


@dataclass(frozen=True)
class DatasetRequest:
    """A dataset as a submission names it, checked: by `scheme` and `did`, or by its `files`."""

    name: str
    scheme: str
    did: str
    files: tuple[FoundFile, ...] = ()


def list_of(files: Iterable[FoundFile]) -> DatasetRequest:
    """A dataset that is a list of files: it is named by their replicas."""
    known = tuple(files)
    digest = hashlib.sha256()
    for file in sorted(known, key=lambda f: f.paths):
        digest.update("\0".join(file.paths).encode() + b"\n")
    return DatasetRequest(digest.hexdigest(), LIST_FINDER, "", known)


class DatasetService:
    """Use cases about datasets, and the `LookupSink` that finders report to.

    `replicas` turns the entries of a file list into their replicas, or raises InvalidDataset. `lifetime` gives the
    seconds for which a look-up of a scheme may be used again. `silence`: how many seconds a finder that has sent files
    may take for the next ones before it is asked again.
    """

    def __init__(self, transactions: Transactions, default_scheme: str, replicas: Replicas,
                 lifetime: Callable[[str], float], wake: Callable[[], None], silence: float):
        self._transactions = transactions
        self._finders: dict[str, DidFinder] = {}
        self._default_scheme = default_scheme
        self._replicas = replicas
        self._lifetime = lifetime
        self._wake = wake
        self._silence = silence

    def add_finder(self, finder: DidFinder) -> None:
        """Have the finder look up the DIDs of its schemes."""
        self._finders.update(dict.fromkeys(finder.schemes, finder))

    # What submissions need

    def check(self, did: str | None, file_list: Sequence[str] | None) -> DatasetRequest:
        """The dataset that a submission names. Raises InvalidDataset; looks nothing up."""
        if did and file_list:
            raise InvalidDataset("Must provide did or file-list but not both")
        if not did and not file_list:
            raise InvalidDataset("Must provide did or file-list but not both; this request has neither.")
        return self._check_did(did) if did else self._check_list(file_list or ())

    def _check_did(self, text: str) -> DatasetRequest:
        match = DID.fullmatch(text)
        scheme, did = match.groups() if match else (self._default_scheme, text)
        finder = self._finders.get(scheme)
        if finder is None:
            raise InvalidDataset(f"DID scheme is not supported: {scheme}. Supported here: "
                                 f"{', '.join(sorted(self._finders)) or 'none'}.")
        name = f"{scheme}://{did}"
        if len(name) > NAME_LIMIT:
            raise InvalidDataset(f"The DID is longer than {NAME_LIMIT} characters.")
        finder.check(scheme, did)
        return DatasetRequest(name, scheme, did)

    def _check_list(self, entries: Sequence[str]) -> DatasetRequest:
        return list_of(FoundFile(paths) for paths in dict.fromkeys(self._replicas(entries)))

    def obtain(self, session: Session, request: DatasetRequest) -> Dataset:
        """The row of the dataset, made if there is none that may be used; locked till the caller's commit.

        Of those who ask at the same time one inserts the row, and all get it.
        """
        for _ in range(OBTAIN_TRIES):
            dataset = datasets.current(session, request.name, lock=True)
            if dataset is not None and not self._outdated(dataset):
                self._fill_list(session, dataset, request)
                dataset.last_used = now()
                return dataset
            if dataset is not None:
                dataset.is_stale = True
                session.flush()
            datasets.insert_if_new(session, name=request.name, did_finder=request.scheme,
                                   lookup_status=LookupStatus.CREATED)
        raise Unavailable("The dataset changes too fast just now; please try again.")

    def _fill_list(self, session: Session, dataset: Dataset, request: DatasetRequest) -> None:
        if request.files and dataset.lookup_status != LookupStatus.COMPLETE:
            datasets.add_files(session, dataset, request.files)
            dataset.lookup_status = LookupStatus.COMPLETE

    def _outdated(self, dataset: Dataset) -> bool:
        if dataset.did_finder == LIST_FINDER or dataset.lookup_status in OPEN_LOOKUPS:
            return False
        age = (now() - dataset.last_updated).total_seconds()
        return dataset.lookup_status != LookupStatus.COMPLETE or age >= self._lifetime(dataset.did_finder)

    # What people ask for

    def list(self, caller: Caller, did_finder: str | None, show_deleted: bool, before: int | None = None,
             limit: int | None = None) -> Iterator[Dataset]:
        """The datasets known, newest first; those that are stale, or only those before an id, if asked for."""
        query = select(Dataset).order_by(Dataset.id.desc())
        if did_finder:
            query = query.where(Dataset.did_finder == did_finder)
        if not show_deleted:
            query = query.where(~Dataset.is_stale)

        def read(before: int | None, limit: int) -> Sequence[Dataset]:
            page = query if before is None else query.where(Dataset.id < before)
            with self._transactions.read() as session:
                return session.scalars(page.limit(limit)).all()
        return in_pages(read, lambda dataset: dataset.id, before, ROWS_PAGE, limit)

    def get(self, caller: Caller, dataset_id: int) -> tuple[Dataset, Iterator[DatasetFile]]:
        """One dataset with its files, stale or not. Raises NotFound."""
        query = select(DatasetFile).where(DatasetFile.dataset_id == dataset_id).order_by(DatasetFile.id)

        def read(after: int | None, limit: int) -> Sequence[DatasetFile]:
            with self._transactions.read() as session:
                return session.scalars(query.where(DatasetFile.id > (after or 0)).limit(limit)).all()
        with self._transactions.read() as session:
            dataset = lookups.existing(session, dataset_id)
        return dataset, in_pages(read, lambda file: file.id, None, ROWS_PAGE, None)

    def delete(self, caller: Caller, dataset_id: int) -> Dataset:
        """Mark the dataset stale, so that whoever names it next looks it up anew. Running transforms keep it.

        Raises Forbidden for others than administrators and who made it: the first who had it transformed.
        """
        with self._transactions.write() as session:
            dataset = lookups.existing(session, dataset_id, lock=True)
            if not caller.may_see(_maker(session, dataset_id)):
                raise Forbidden(f"Dataset {dataset_id} is others' too: only who made it, or an administrator, may "
                                "delete it.")
            if dataset.is_stale:
                raise InvalidDataset(f"Dataset {dataset_id} has already been deleted.")
            dataset.is_stale = True
            record(session, caller, Action.DATASET_DELETED, dataset.name)
            return dataset

    def refresh(self, caller: Caller, dataset_id: int) -> Dataset:
        """Look the dataset up again now, as a new row; one that is being looked up is left alone. Raises NotFound."""
        with self._transactions.write() as session:
            old = lookups.existing(session, dataset_id, lock=True)
            if old.did_finder == LIST_FINDER:
                raise InvalidDataset("A list of files is what it is; there is nothing to look up.")
            newest = datasets.current(session, old.name, lock=True)
            if newest is not None and newest.lookup_status in OPEN_LOOKUPS:
                return newest
            if newest is not None:
                newest.is_stale = True
                session.flush()
            dataset = self.obtain(session, DatasetRequest(old.name, old.did_finder, ""))
        self._wake()
        return dataset

    # What the controller needs

    def open_lookups(self) -> Sequence[int]:
        """The ids of the datasets whose look-up is to be begun, or was begun and is overdue.

        Those that finders in this process may be at work on come before they are overdue, to be kept from it.
        """
        due = Dataset.lookup_deadline.is_(None) | (Dataset.lookup_deadline < now())
        inside = [scheme for scheme, finder in self._finders.items() if finder.inside]
        due |= Dataset.did_finder.in_(inside) & (
            Dataset.lookup_deadline < now() + timedelta(seconds=LOOKUP_LEASE / 2)) & (
            Dataset.lookup_status == LookupStatus.LOOKING)
        with self._transactions.read() as session:
            return session.scalars(select(Dataset.id).where(Dataset.lookup_status.in_(OPEN_LOOKUPS), due)).all()

    def forget_lookups(self) -> None:
        """Begin all look-ups anew: for a server whose finders died with it."""
        with self._transactions.write() as session:
            for dataset in session.scalars(select(Dataset).where(Dataset.lookup_status == LookupStatus.LOOKING)):
                dataset.lookup_status = LookupStatus.CREATED
                dataset.lookup_deadline = None
                dataset.lookup_attempts = max(0, dataset.lookup_attempts - 1)

    def begin_lookup(self, dataset_id: int, seconds: float, attempts: int) -> None:
        """Take the next step with a look-up that is open: begin it, begin it again, keep it, or give it up."""
        with self._transactions.write() as session:
            dataset = lookups.existing(session, dataset_id, lock=True)
            finder = self._finders.get(dataset.did_finder)
            begun = dataset.lookup_status in OPEN_LOOKUPS and _next_attempt(session, dataset, finder, seconds, attempts)
        if begun and finder:
            self._ask(finder, dataset, seconds)
        elif dataset.is_stale:
            self._wake()

    def _ask(self, finder: DidFinder, dataset: Dataset, seconds: float) -> None:
        """Ask the finder. One that cannot be asked just now is asked a little later, at no cost of an attempt."""
        try:
            finder.look_up(dataset.did_finder, dataset.name.removeprefix(f"{dataset.did_finder}://"), dataset.id)
        except Unavailable as error:
            with self._transactions.write() as session:
                asked = lookups.existing(session, dataset.id, lock=True)
                if asked.lookup_status == LookupStatus.LOOKING:
                    lookups.begin_later(asked, ASK_AGAIN_SECONDS, error.message)
                    asked.lookup_attempts -= 1
            return
        if not finder.inside:
            self._await_answer(dataset.id, seconds)

    def _await_answer(self, dataset_id: int, seconds: float) -> None:
        """Give the finder its time, now that it was asked for certain; it may have ended already."""
        with self._transactions.write() as session:
            dataset = lookups.existing(session, dataset_id, lock=True)
            dataset.lookup_deadline = now() + timedelta(seconds=seconds)

    # What finders report

    def files(self, dataset_id: int, files: Sequence[FoundFile]) -> None:
        """Add files that a finder found, which also shows that it is at work.

        Raises LookupEnded if the look-up is over.
        """
        with self._transactions.write() as session:
            dataset = lookups.looking(session, dataset_id)
            finder = self._finders.get(dataset.did_finder)
            silence = LOOKUP_LEASE if finder is not None and finder.inside else self._silence
            dataset.lookup_deadline = now() + timedelta(seconds=silence)
            datasets.add_files(session, dataset, files)
            for transform in transforms.active_on(session, dataset_id):
                transform.files = dataset.n_files
        self._wake()

    def complete(self, dataset_id: int) -> None:
        """End the look-up. A dataset without files is as good as none, and is not kept for the next who asks."""
        with self._transactions.write() as session:
            lookups.complete(session, lookups.looking(session, dataset_id))
        self._wake()

    def failed(self, dataset_id: int, reason: LookupFailure, message: str) -> None:
        """End the look-up and the transforms that wait for it."""
        with self._transactions.write() as session:
            lookups.fail(session, lookups.looking(session, dataset_id), reason, message)
        self._wake()


def _next_attempt(session: Session, dataset: Dataset, finder: DidFinder | None, seconds: float,
                  attempts: int) -> bool:
    """Count another attempt at the look-up, or end it for want of a finder or of an answer; whether to begin it.

    Till the finder was asked for certain, the look-up is this controller's for the time of a lease.
    """
    overdue = dataset.lookup_deadline is None or dataset.lookup_deadline < now()
    kept = finder is not None and finder.running(dataset.id)
    if not overdue and not kept:
        return False
    dataset.lookup_deadline = now() + timedelta(seconds=LOOKUP_LEASE)
    if kept:
        return False
    if finder is None:
        lookups.fail(session, dataset, LookupFailure.INTERNAL_FAILURE,
                     f"This server has no finder for {dataset.did_finder} any more.")
        return False
    # One of this process ends by itself and says why. That its controller died says nothing of the look-up.
    if dataset.lookup_attempts >= attempts and not finder.inside:
        lookups.fail(session, dataset, LookupFailure.INTERNAL_FAILURE,
                     f"The finder for {dataset.did_finder} gave no answer within {seconds:.0f} s, {attempts} times. "
                     "Try again later; if that does not help, whoever runs this server can see whether it is running.")
        return False
    dataset.lookup_attempts += 1
    dataset.lookup_status = LookupStatus.LOOKING
    for transform in transforms.active_on(session, dataset.id):
        transforms.move(session, transform.id, TransformStatus.LOOKUP)
    return True


def _maker(session: Session, dataset_id: int) -> int | None:
    """Who was the first to have the dataset transformed."""
    return session.scalar(select(TransformRequest.submitted_by).where(
        TransformRequest.did_id == dataset_id).order_by(TransformRequest.id).limit(1))
