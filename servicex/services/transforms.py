"""Transforms: submitted, looked at, cancelled, deleted."""
import io
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from servicex.backends.code_generator.base import CodeGenerator, GeneratedCode
from servicex.backends.image_check.base import ImageCheck
from servicex.errors import (BadRequest, Forbidden, GeneratorFailed, InvalidSelection, KeyReused, NotFound,
                             TooLarge, UnsupportedFormat)
from servicex.models import (Dataset, DatasetFile, GeneratedProgram, LookupStatus, SubmissionKey, TransformControl,
                             TransformRequest, TransformResult, TransformStatus)
from servicex.models import control as controls
from servicex.models import result as results
from servicex.models import submission_key as submission_keys
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.services.audit import Action, record
from servicex.services.caller import Caller
from servicex.services.datasets import DatasetRequest, DatasetService
from servicex.services.paging import in_pages
from servicex.services.submissions import Submission, submission_key
from servicex.services.transactions import Transactions

# How many rows are read at once. A selection may have megabytes, and a failure's log a few kilobytes.
TRANSFORMS_PAGE = 20
RESULTS_PAGE = 1000
FAILURES_PAGE = 200


@dataclass(frozen=True)
class Statistics:
    """Sums over the results of a transform: times in seconds, sizes in bytes, the rate in events per second."""

    min_time: float
    max_time: float
    avg_time: float
    total_time: float
    total_bytes: int
    total_events: int

    @property
    def avg_rate(self) -> float:
        return self.total_events / self.total_time if self.total_time else 0.0


class TransformService:
    """Use cases about transforms.

    Of generators with one name the later one has it. `deliverable` gives the result formats that the transformers of an
    image can deliver; None stands for all. `images` checks container images; without it the workers are no containers,
    and an image that is asked for is left alone.
    """

    def __init__(self, transactions: Transactions, datasets: DatasetService, generators: Sequence[CodeGenerator],
                 destinations: Sequence[str], max_selection_bytes: int, app_version: str, wake: Callable[[], None],
                 deliverable: Callable[[str], Collection[str] | None] | None = None, images: ImageCheck | None = None):
        self._transactions = transactions
        self._datasets = datasets
        self._generators = {name: g for g in generators for name in g.images()}
        self._destinations = destinations
        self._max_selection_bytes = max_selection_bytes
        self._app_version = app_version
        self._wake = wake
        self._deliverable = deliverable
        self._images = images

    def code_generators(self) -> Mapping[str, str]:
        """The names of the code generators, each with its image or version."""
        return {name: generator.images()[name] for name, generator in self._generators.items()}

    def submit(self, caller: Caller, submission: Submission, key: str | None = None) -> TransformRequest:
        """Accept a transform: everything is checked and the program made before one row is written.

        With a `key` of the caller's, the same submission sent again gives the transform that came of the first.
        Raises BadRequest or one of its kind with what is wrong, TooLarge, KeyReused, or one of Unavailable's kind.
        """
        named = submission_key(caller, submission, key) if key else None
        earlier = self._earlier(named)
        if earlier is not None:
            return earlier
        try:
            return self._submit(caller, submission, named)
        except IntegrityError:
            # The same key came at the same moment, and its transaction was the first.
            earlier = self._earlier(named)
            if earlier is None:
                raise
            return earlier

    def _earlier(self, named: SubmissionKey | None) -> TransformRequest | None:
        """The transform that came of an earlier submission of that name. Raises KeyReused if it was another one."""
        if named is None:
            return None
        with self._transactions.read() as session:
            known = submission_keys.find(session, named.key)
            if known is not None and known.submission != named.submission:
                raise KeyReused("This Idempotency-Key came before, with another submission. Use a new one.")
            return session.get(TransformRequest, known.transform_id) if known else None

    def submit_on(self, caller: Caller, submission: Submission, dataset: DatasetRequest,
                  retry_of: int | None = None) -> TransformRequest:
        """Accept a transform of a dataset that was checked before. Raises as `submit` does."""
        return self._submit(caller, submission, None, dataset, retry_of)

    def _submit(self, caller: Caller, submission: Submission, named: SubmissionKey | None,
                checked: DatasetRequest | None = None, retry_of: int | None = None) -> TransformRequest:
        generator = self._generator(submission)
        dataset_request = checked or self._datasets.check(submission.did, submission.file_list)
        code = generator.generate(submission.codegen or "", submission.selection or "")
        self._check_deliverable(submission.result_format, submission.image or code.image)
        _check_format(submission, code.formats or generator.formats(submission.codegen or ""))
        code = replace(code, image=self._image(submission, code))
        with self._transactions.write() as session:
            dataset = self._datasets.obtain(session, dataset_request)
            transform = self._new_transform(caller, submission, dataset_request, dataset, code)
            transform.retry_of = retry_of
            session.add(transform)
            session.flush()
            session.add_all([TransformControl(transform_id=transform.id),
                             GeneratedProgram(transform_id=transform.id, archive=pack(code.files))])
            if named is not None:
                named.transform_id = transform.id
                session.add(named)
        self._wake()
        return transform

    def _image(self, submission: Submission, code: GeneratedCode) -> str:
        """The image to run in: the one asked for, else the program's own; checked, where workers are containers."""
        if self._images is None:
            return code.image
        image = submission.image or code.image
        if not image:
            raise GeneratorFailed(f"The code generator {submission.codegen} names no image to run its programs in; "
                                  "name one in the field image.")
        self._images.check(image)
        return image

    def _generator(self, submission: Submission) -> CodeGenerator:
        """The code generator of a submission, if it can do what is asked."""
        if submission.result_destination not in self._destinations:
            raise BadRequest(f"result-destination must be one of: {', '.join(self._destinations)}")
        generator = self._generators.get(submission.codegen or "")
        if generator is None:
            wrong = f"Invalid codegen: {submission.codegen}" if submission.codegen else "The field codegen is missing"
            raise BadRequest(f"{wrong}. This server has: {', '.join(self._generators)}.")
        _check_format(submission, generator.formats(submission.codegen or ""))
        self._check_selection(submission.selection)
        return generator

    def _check_deliverable(self, result_format: str, image: str) -> None:
        """Refuse what would have the transformers die of it, again and again."""
        formats = self._deliverable(image) if self._deliverable else None
        if formats is not None and result_format not in formats:
            raise UnsupportedFormat(f"The transformers of this server cannot deliver {result_format}; they can: "
                                    f"{', '.join(sorted(formats))}.")

    def _check_selection(self, selection: str | None) -> None:
        if not selection or not selection.strip():
            raise InvalidSelection("The selection is empty.")
        size = len(selection.encode("utf-8", "surrogatepass"))
        if size > self._max_selection_bytes:
            raise TooLarge(f"The selection has {size} bytes; at most {self._max_selection_bytes} are taken here.")

    def _new_transform(self, caller: Caller, submission: Submission, request: DatasetRequest, dataset: Dataset,
                       code: GeneratedCode) -> TransformRequest:
        request_id = str(uuid.uuid4())
        return TransformRequest(
            request_id=request_id, title=submission.title, submit_time=now(), submitted_by=caller.user_id,
            did=request.name, did_id=dataset.id, status=_first_status(dataset), files=dataset.n_files,
            files_completed=0, files_failed=0, total_events=0, total_bytes=0, total_time=0.0,
            selection=submission.selection, tree_name=submission.tree_name, workers=submission.workers,
            codegen=submission.codegen, code_gen_image=self.code_generators()[submission.codegen or ""],
            image=code.image, transformer_language=code.language, transformer_command=code.command,
            generated_code_cm=f"{request_id}-generated-source", app_version=self._app_version,
            result_destination=submission.result_destination, result_format=submission.result_format)

    def list(self, caller: Caller, submitted_by: int | None = None, after: int | None = None,
             limit: int | None = None) -> Iterator[TransformRequest]:
        """The transforms that the caller may see, oldest first; of one user, or beyond an id, only if asked so."""
        query = select(TransformRequest).where(TransformRequest.deleted_at.is_(None)).order_by(TransformRequest.id)
        if not caller.admin:
            query = query.where(TransformRequest.submitted_by == caller.user_id)
        if submitted_by:
            query = query.where(TransformRequest.submitted_by == submitted_by)

        def read(after: int | None, limit: int) -> Sequence[TransformRequest]:
            with self._transactions.read() as session:
                return session.scalars(query.where(TransformRequest.id > (after or 0)).limit(limit)).all()
        return in_pages(read, lambda transform: transform.id, after, TRANSFORMS_PAGE, limit)

    def get(self, caller: Caller, request_id: str) -> TransformRequest:
        """One transform. Raises NotFound, also if it is somebody else's."""
        with self._transactions.read() as session:
            return visible(session, caller, request_id)

    def statistics(self, transform: TransformRequest) -> Statistics | None:
        """Sums over the results so far, None as long as there is none. They are kept with the transform: no query."""
        if not transform.files_reported:
            return None
        return Statistics(transform.min_time or 0.0, transform.max_time or 0.0,
                          transform.total_time / transform.files_reported, transform.total_time,
                          transform.total_bytes, transform.total_events)

    def results(self, caller: Caller, request_id: str, later_than: datetime | None = None, limit: int | None = None,
                after: datetime | None = None) -> Iterator[TransformResult]:
        """The results from `later_than` on, that time included, and beyond `after`, oldest first.

        Raises NotFound before the first one.
        """
        name = self.get(caller, request_id).request_id

        def read(after: datetime | None, limit: int) -> Sequence[TransformResult]:
            with self._transactions.read() as session:
                return results.page(session, name, later_than, after, limit)
        return in_pages(read, lambda result: result.created_at, after, RESULTS_PAGE, limit)

    def failures(self, caller: Caller, request_id: str, limit: int | None = None,
                 after: datetime | None = None) -> Iterator[tuple[TransformResult, DatasetFile, str | None]]:
        """The results that are failures beyond `after`, each with its file and what its worker told of it.

        Raises NotFound before the first one.
        """
        name = self.get(caller, request_id).request_id

        def read(after: datetime | None, limit: int) -> Sequence[tuple[TransformResult, DatasetFile, str | None]]:
            with self._transactions.read() as session:
                return results.failures(session, name, after, limit)
        return in_pages(read, lambda failed: failed[0].created_at, after, FAILURES_PAGE, limit)

    def cancel(self, caller: Caller, request_id: str) -> TransformRequest:
        """Cancel a transform. Raises NotFound, and BadRequest if it has ended already."""
        with self._transactions.write() as session:
            transform = visible(session, caller, request_id)
            if not transforms.move(session, transform.id, TransformStatus.CANCELED):
                raise BadRequest(f"Transform request with id {request_id} is not in progress.")
            controls.hurry(session, transform.id)
            _record_if_anothers(session, caller, Action.TRANSFORM_CANCELED, transform)
        self._wake()
        return transform

    def cancel_running(self, caller: Caller, everybodys: bool = False) -> int:
        """Cancel all of the caller's transforms that have not ended, or all there are; gives how many that were.

        Raises Forbidden for everybody's if the caller is no administrator.
        """
        if everybodys and not caller.admin:
            raise Forbidden("Only administrators may cancel everybody's transforms.")
        with self._transactions.write() as session:
            own = TransformRequest.submitted_by.is_not_distinct_from(caller.user_id)
            canceled = transforms.cancel_active(session, *([] if everybodys else [own]))
            controls.hurry(session, *(transform.id for transform in canceled))
            for transform in canceled:
                _record_if_anothers(session, caller, Action.TRANSFORM_CANCELED, transform)
        self._wake()
        return len(canceled)

    def delete(self, caller: Caller, request_id: str) -> None:
        """Delete a transform with its results. Raises NotFound, and BadRequest if it has not ended."""
        with self._transactions.write() as session:
            transform = visible(session, caller, request_id)
            if not transform.status.terminal:
                raise BadRequest(f"Transform request with id {request_id} is still in progress; cancel it first.")
            transform.deleted_at = now()
            submission_keys.forget(session, transform.id)
            controls.hurry(session, transform.id)
            _record_if_anothers(session, caller, Action.TRANSFORM_DELETED, transform)
        self._wake()


def _check_format(submission: Submission, formats: Collection[str]) -> None:
    """Refuse what the generator cannot write at all, or not for this selection."""
    if submission.result_format not in formats:
        raise UnsupportedFormat(f"The code generator {submission.codegen} cannot write {submission.result_format} for "
                                f"this selection; it can write: {', '.join(sorted(formats))}.")


def _record_if_anothers(session: Session, caller: Caller, action: Action, transform: TransformRequest) -> None:
    if transform.submitted_by != caller.user_id:
        record(session, caller, action, transform.request_id)


def visible(session: Session, caller: Caller, request_id: str) -> TransformRequest:
    """The transform. Raises NotFound, also if it is somebody else's."""
    transform = transforms.find(session, request_id)
    if transform is None or not caller.may_see(transform.submitted_by):
        raise NotFound(f"Transformation request not found with id: {request_id}")
    return transform


def _first_status(dataset: Dataset) -> TransformStatus:
    if dataset.lookup_status == LookupStatus.COMPLETE:
        return TransformStatus.RUNNING
    if dataset.lookup_status == LookupStatus.LOOKING:
        return TransformStatus.PENDING_LOOKUP
    return TransformStatus.SUBMITTED


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files of a program as a zip archive, the same bytes for the same files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            packed.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def unpack(archive: bytes) -> dict[str, bytes]:
    """The files of a program, from its archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}
