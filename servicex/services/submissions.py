"""What physicists send, and by which name of theirs a submission is known when it is sent again."""
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from servicex.models import SubmissionKey
from servicex.services.caller import Caller

OBJECT_STORE = "object-store"
VOLUME = "volume"


@dataclass(frozen=True)
class Submission:
    """What a physicist sends: a dataset, a selection, and what to make of them."""

    codegen: str | None
    selection: str | None
    result_format: str
    result_destination: str = OBJECT_STORE
    did: str | None = None
    file_list: Sequence[str] | None = None
    title: str | None = None
    workers: int | None = None
    tree_name: str | None = None
    image: str | None = None


def submission_key(caller: Caller, submission: Submission, key: str) -> SubmissionKey:
    """The name that a caller gave a submission, with a digest of it."""
    said = json.dumps(vars(submission), sort_keys=True)
    return SubmissionKey(key=_sha256(f"{caller.user_id} {key}"), submission=_sha256(said))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
