"""What DID finders outside this process report: repeated, late, or less than the whole truth."""
import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from servicex.backends.did_finder.base import FoundFile, LookupEnded, LookupFailure, LookupSink
from servicex.models import Dataset
from servicex.services import lookups
from servicex.services.transactions import Transactions

log = logging.getLogger(__name__)
MISMATCH_PAUSE = 0.0


class FinderReports:
    """Takes the reports of finders that never look at an answer. Each method returns after its commit.

    Raises NotFound for a dataset that does not exist. A report on a look-up that is over, or that waits to be begun
    again, changes nothing. A look-up is begun at most `attempts` times; `pause` is how many seconds a finder that
    failed is left alone.
    """

    def __init__(self, transactions: Transactions, sink: LookupSink, attempts: int, pause: float,
                 wake: Callable[[], None]):
        self._transactions = transactions
        self._sink = sink
        self._attempts = attempts
        self._pause = pause
        self._wake = wake

    def files(self, dataset_id: int, files: Sequence[FoundFile]) -> None:
        """Add files to the dataset."""
        try:
            self._sink.files(dataset_id, files)
        except LookupEnded as ended:
            log.info("%d files came too late: %s", len(files), ended)

    def refused(self, dataset_id: int, why: str) -> None:
        """End the look-up, since files of it were refused: the finder will not notice, and go on without them."""
        self._end(dataset_id, lambda session, dataset: lookups.fail(
            session, dataset, LookupFailure.INTERNAL_FAILURE, f"The finder sent files that cannot be taken: {why}"))

    def complete(self, dataset_id: int, counted: int | None) -> None:
        """End the look-up, if as many files arrived as the finder says it sent; None if it does not say.

        A finder that cannot reach the server loses files and goes on. So what is missing is looked up once more. If the
        same is missing again, the finder counted some files twice, and nothing is.
        """
        self._end(dataset_id, lambda session, dataset: self._complete(session, dataset, counted or 0))

    def _complete(self, session: Session, dataset: Dataset, counted: int) -> None:
        missing = f"The finder counted {counted} files; {dataset.n_files} different ones arrived."
        if counted <= dataset.n_files or dataset.lookup_message == missing:
            lookups.complete(session, dataset)
        elif not self._begin_later(dataset, MISMATCH_PAUSE, missing):
            lookups.fail(session, dataset, LookupFailure.INTERNAL_FAILURE, missing)

    def failed(self, dataset_id: int, reason: LookupFailure, message: str) -> None:
        """End the look-up and the transforms that wait for it, or have it begun again if that may help.

        It may where the finder itself failed, and while it has sent nothing: of a failed look-up's files, which are
        discarded with their dataset, some may be worked on already, and some are none.
        """
        self._end(dataset_id, lambda session, dataset: self._failed(session, dataset, reason, message))

    def _failed(self, session: Session, dataset: Dataset, reason: LookupFailure, message: str) -> None:
        again = reason is LookupFailure.INTERNAL_FAILURE and dataset.n_files == 0
        if not (again and self._begin_later(dataset, self._pause, message)):
            lookups.fail(session, dataset, reason, message)

    def _begin_later(self, dataset: Dataset, seconds: float, why: str) -> bool:
        """Have the look-up begun again, unless that was done often enough."""
        if dataset.lookup_attempts >= self._attempts:
            return False
        lookups.begin_later(dataset, seconds, why)
        return True

    def _end(self, dataset_id: int, end: Callable[[Session, Dataset], None]) -> None:
        """Do what ends a look-up, if it is under way."""
        try:
            with self._transactions.write() as session:
                end(session, lookups.looking(session, dataset_id))
        except LookupEnded as ended:
            log.info("the end of a look-up came too late: %s", ended)
        else:
            self._wake()
