"""How transforms end: what decides between `Complete` and `Fatal`."""
from sqlalchemy.orm import Session

from servicex.models import TransformRequest, TransformStatus
from servicex.models import result as results
from servicex.models import transform as transforms


def end_if_done(session: Session, transform: TransformRequest) -> bool:
    """End the transform if every file of its (complete) dataset is accounted for; True if this call ended it.

    Some files done make it Complete, with its failures counted. A client takes Complete for success and would go on
    with nothing, so a transform of which no file could be transformed is Fatal, with the commonest cause.
    """
    if transform.files == 0 or transform.files_reported < transform.files:
        return False
    if transform.files_completed:
        return transforms.move(session, transform.id, TransformStatus.COMPLETE)
    return transforms.move(session, transform.id, TransformStatus.FATAL,
                           failure_description=_why_all_failed(session, transform))


def _why_all_failed(session: Session, transform: TransformRequest) -> str:
    cause = results.commonest_cause(session, transform.request_id)
    if cause is None:
        return "No file could be transformed."
    error_class, message, count = cause
    whom = "The only file" if transform.files == 1 else f"All {transform.files} files"
    share = "" if count == transform.files else f" ({count} of them like this)"
    return f"{whom} failed{share}: {error_class}: {message}"
