"""What must be true of the accounts after every step, whatever was done."""
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from servicex.models import Dataset, DatasetFile, LookupStatus, TransformRequest, TransformResult, TransformStatus
from servicex.models.result import FAILURE, SUCCESS
from servicex.models.transform import MOVES
from servicex.services.transactions import Transactions

Row = tuple[int, str, datetime, str | None]


class Ledger:
    """Looks at the rows again and again, and compares them with what it saw the time before."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions
        self._statuses: dict[str, TransformStatus] = {}
        self._rows: dict[str, dict[int, Row]] = {}

    def check(self) -> None:
        """Fail if the accounts are wrong in themselves, or cannot have come of those seen before."""
        with self._transactions.read() as session:
            self._check_datasets(session)
            for transform in session.scalars(select(TransformRequest)):
                self._check_transform(session, transform)

    def _check_datasets(self, session: Session) -> None:
        rows = session.execute(select(Dataset.id, Dataset.n_files, func.count(DatasetFile.id)).outerjoin(
            DatasetFile, DatasetFile.dataset_id == Dataset.id).group_by(Dataset.id, Dataset.n_files))
        for dataset_id, counted, there in rows:
            assert counted == there, f"dataset {dataset_id} has {there} files and says {counted}"

    def _check_transform(self, session: Session, transform: TransformRequest) -> None:
        results = session.scalars(select(TransformResult).where(
            TransformResult.request_id == transform.request_id).order_by(TransformResult.created_at)).all()
        dataset = session.get_one(Dataset, transform.did_id)
        check_counts(transform, results)
        check_ending(transform, dataset)
        if not transform.status.terminal:
            assert transform.files == dataset.n_files
        self._check_history(transform, {r.file_id: (r.id, r.transform_status, r.created_at, r.s3_object_name)
                                        for r in results})

    def _check_history(self, transform: TransformRequest, rows: dict[int, Row]) -> None:
        name, now = transform.request_id, transform.status
        before, seen = self._statuses.get(name, now), self._rows.get(name, {})
        assert now is before or before in MOVES[now], f"{before} became {now}"
        if before.terminal:
            assert rows == seen, "a transform that has ended takes no more results"
        newest = max((row[2] for row in seen.values()), default=None)
        for file_id, row in rows.items():
            if row != seen.get(file_id):
                assert newest is None or row[2] > newest, "a new result is later than all before it"
                assert file_id not in seen or (seen[file_id][1], row[1]) == (FAILURE, SUCCESS)
        assert set(seen) <= set(rows), "no result goes away"
        self._statuses[name], self._rows[name] = now, rows


def check_counts(transform: TransformRequest, results: Sequence[TransformResult]) -> None:
    """The counters are those of the rows; a file counts once, and a name or a time stands for one result."""
    statuses = Counter(r.transform_status for r in results)
    assert (transform.files_completed, transform.files_failed) == (statuses[SUCCESS], statuses[FAILURE])
    assert transform.files_reported <= transform.files
    assert len({r.file_id for r in results}) == len({r.created_at for r in results}) == len(results)
    names = [r.s3_object_name for r in results if r.transform_status == SUCCESS]
    assert len(set(names)) == len(names) and None not in names
    sums = [(sum(r.total_events or 0 for r in results)), sum(r.object_size or 0 for r in results)]
    assert [transform.total_events, transform.total_bytes] == sums
    assert abs(transform.total_time - sum(r.transform_time or 0.0 for r in results)) < 1e-6


def check_ending(transform: TransformRequest, dataset: Dataset) -> None:
    """A transform ends by its last result, not before and not after."""
    known = dataset.lookup_status == LookupStatus.COMPLETE
    accounted = known and 0 < transform.files == transform.files_reported
    if transform.status is TransformStatus.COMPLETE:
        assert accounted and transform.files_completed
    if accounted:
        assert transform.status.terminal, "every file is accounted for, and the transform goes on"
    assert (transform.finish_time is not None) == transform.status.terminal
