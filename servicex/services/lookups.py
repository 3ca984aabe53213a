"""Look-ups under way, and how they end for a dataset and for the transforms that wait for it."""
import logging
from datetime import timedelta

from sqlalchemy.orm import Session

from servicex.backends.did_finder.base import LookupEnded, LookupFailure
from servicex.errors import NotFound
from servicex.models import Dataset, LookupStatus, TransformStatus
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.services.endings import end_if_done

log = logging.getLogger(__name__)


def existing(session: Session, dataset_id: int, lock: bool = False) -> Dataset:
    """The dataset of that id, stale or not; `lock` keeps it till the commit. Raises NotFound."""
    dataset = session.get(Dataset, dataset_id, with_for_update=lock or None)
    if dataset is None:
        raise NotFound(f"Dataset {dataset_id} not found")
    return dataset


def looking(session: Session, dataset_id: int) -> Dataset:
    """The dataset whose look-up is under way, locked till the commit. Raises NotFound, or LookupEnded if it is not."""
    dataset = existing(session, dataset_id, lock=True)
    if dataset.lookup_status != LookupStatus.LOOKING:
        raise LookupEnded(f"dataset {dataset_id} is {dataset.lookup_status}")
    return dataset


def complete(session: Session, dataset: Dataset) -> None:
    """End the look-up. A dataset without files is as good as none, and is not kept for the next who asks."""
    if dataset.n_files == 0:
        return fail(session, dataset, LookupFailure.DOES_NOT_EXIST, "The dataset holds no files.")
    dataset.lookup_status = LookupStatus.COMPLETE
    dataset.lookup_message = None
    dataset.last_updated = now()
    for transform in transforms.active_on(session, dataset.id):
        transform.files = dataset.n_files
        transform.did_lookup_time = int((now() - transform.submit_time).total_seconds())
        session.flush()
        transforms.move(session, transform.id, TransformStatus.RUNNING)
        end_if_done(session, transform)


def fail(session: Session, dataset: Dataset, reason: LookupFailure, message: str) -> None:
    """End the look-up and the transforms that wait for it; who names the dataset next has it looked up anew."""
    log.warning("look-up of dataset %s failed: %s: %s", dataset.id, reason, message)
    dataset.lookup_status = reason
    dataset.lookup_message = message
    dataset.last_updated = now()
    dataset.is_stale = True
    for transform in transforms.active_on(session, dataset.id):
        transforms.move(session, transform.id, TransformStatus.BAD_DATASET, failure_description=message)


def begin_later(dataset: Dataset, seconds: float, why: str) -> None:
    """Have the look-up begun once more after some seconds. What is said of the present attempt until then is void."""
    log.warning("look-up of dataset %s will be begun again: %s", dataset.id, why)
    dataset.lookup_status = LookupStatus.CREATED
    dataset.lookup_message = why
    dataset.lookup_deadline = now() + timedelta(seconds=seconds)
