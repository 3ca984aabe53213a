"""Why a transform is where it is, in words, as far as that can be told from what is known of it."""
from collections.abc import Sequence

from servicex.backends.launcher.base import WorkersStatus
from servicex.models import TransformRequest, TransformStatus
from servicex.web import words

STATES = {
    TransformStatus.SUBMITTED: "waits for the look-up of its dataset to begin.",
    TransformStatus.PENDING_LOOKUP: "waits for a look-up of the same dataset that is under way.",
    TransformStatus.LOOKUP: "the dataset is being looked up.",
    TransformStatus.CANCELED: "the results that there were by then are kept.",
    TransformStatus.BAD_DATASET: "the dataset could not be looked up.",
    TransformStatus.FATAL: "no result can be had.",
}
TRANSFORMING = "files are being transformed."
# Of workers that wait, so large a share means that there is not enough work in hand for them.
MANY = 0.5


def state(transform: TransformRequest) -> str:
    """What the state means, as the end of a sentence."""
    if transform.status in STATES:
        return STATES[transform.status]
    failed = f"{words.number(transform.files_failed)} of {words.number(transform.files)} files failed"
    if transform.status is TransformStatus.COMPLETE:
        return f"{failed}." if transform.files_failed else "every file was transformed."
    return f"files are being transformed; {failed} so far." if transform.files_failed else TRANSFORMING


def slowness(transform: TransformRequest, workers: WorkersStatus | None, rate: float | None) -> Sequence[str]:
    """What holds a transform up that has not ended, and what its workers do; empty if nothing is known."""
    if transform.status.terminal or transform.status is not TransformStatus.RUNNING:
        return ()
    if workers is None:
        return ("It has no workers yet: they are about to be started, or other transforms have them.",)
    return tuple(filter(None, (workers.trouble, *workers.notes, _held_up(transform, workers),
                               *(f"A worker was killed: {kill.reason}" for kill in list(workers.kills)[-3:]),
                               _no_result_yet(transform, rate))))


def _held_up(transform: TransformRequest, workers: WorkersStatus) -> str:
    states = workers.states
    if states.get("unschedulable"):
        return f"{states['unschedulable']} of {workers.workers} workers wait for room in the cluster."
    if states.get("failing"):
        return f"{states['failing']} of {workers.workers} workers do not start; the logs say why."
    if workers.ready < workers.workers:
        return f"{workers.workers - workers.ready} of {workers.workers} workers are still starting."
    if states.get("waiting", 0) > MANY * workers.workers and (transform.files_remaining or 0) > workers.workers:
        return ("Most workers wait for a file or for their turn: other transforms have the machine, or files come "
                "slowly.")
    if states.get("storing", 0) + states.get("reporting", 0) > MANY * max(1, workers.workers):
        return "Most workers store results: the disk or the object store is what is slow."
    return ""


def _no_result_yet(transform: TransformRequest, rate: float | None) -> str:
    return "" if rate or transform.files_reported else "No file is done yet, so it cannot be told how long it takes."
