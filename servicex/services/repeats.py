"""Transforms submitted once more: the failed files of one that has ended, or all of it.

Each is a new transform, since a client never looks again at one that has ended.
"""
from collections.abc import Sequence

from sqlalchemy import select

from servicex.backends.did_finder.base import FoundFile
from servicex.errors import BadRequest
from servicex.models import DatasetFile, TransformRequest
from servicex.models import result as results
from servicex.services.caller import Caller
from servicex.services.datasets import LIST_FINDER, DatasetService, list_of
from servicex.services.lookups import existing
from servicex.services.submissions import Submission
from servicex.services.transactions import Transactions
from servicex.services.transforms import TransformService


class RepeatService:
    """Submits transforms once more, on behalf of whoever asks for it."""

    def __init__(self, transactions: Transactions, transforms: TransformService, datasets: DatasetService):
        self._transactions = transactions
        self._transforms = transforms
        self._datasets = datasets

    def retry(self, caller: Caller, request_id: str) -> TransformRequest:
        """A new transform of just the files that failed; it has the title, and is linked to the old one.

        Raises NotFound, BadRequest if that has not ended or no file of it failed, and as a submission does.
        """
        old = self._ended(caller, request_id)
        with self._transactions.read() as session:
            failed = results.failed_files(session, old.request_id)
        if not failed:
            raise BadRequest("No file of this transform failed, so that there is nothing to try again.")
        return self._transforms.submit_on(caller, _submission(old), list_of(map(_found, failed)), retry_of=old.id)

    def run_again(self, caller: Caller, request_id: str) -> TransformRequest:
        """The same submission anew; what a DID stands for may have changed since. Raises as `retry` does."""
        old = self._ended(caller, request_id)
        with self._transactions.read() as session:
            dataset = existing(session, old.did_id)
            files: Sequence[DatasetFile] = () if dataset.did_finder != LIST_FINDER else session.scalars(
                select(DatasetFile).where(DatasetFile.dataset_id == dataset.id).order_by(DatasetFile.id)).all()
        again = list_of(map(_found, files)) if files else self._datasets.check(old.did, None)
        return self._transforms.submit_on(caller, _submission(old), again)

    def _ended(self, caller: Caller, request_id: str) -> TransformRequest:
        old = self._transforms.get(caller, request_id)
        if not old.status.terminal:
            raise BadRequest("This transform is still in progress; wait until it has ended, or cancel it first.")
        return old


def _submission(old: TransformRequest) -> Submission:
    return Submission(old.codegen, old.selection, old.result_format, old.result_destination, title=old.title,
                      workers=old.workers, tree_name=old.tree_name, image=old.image)


def _found(file: DatasetFile) -> FoundFile:
    return FoundFile(file.paths, file.adler32, file.file_size or 0, file.file_events or 0)
