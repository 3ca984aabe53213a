"""Transforms: submitted, looked at, cancelled, deleted."""
import io
import itertools
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from servicex.backends.code_generator.base import CodeGenerator, GeneratedCode
from servicex.errors import BadRequest, InvalidSelection, NotFound, TooLarge, UnsupportedFormat
from servicex.models import (Dataset, DatasetFile, GeneratedProgram, LookupStatus, TransformControl, TransformRequest,
                             TransformResult, TransformStatus)
from servicex.models import control as controls
from servicex.models import result as results
from servicex.models import transform as transforms
from servicex.models.base import now
from servicex.services.caller import Caller
from servicex.services.datasets import DatasetRequest, DatasetService
from servicex.services.transactions import Transactions

OBJECT_STORE = "object-store"
VOLUME = "volume"
RESULTS_PAGE = 1000


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
    """Use cases about transforms."""

    def __init__(self, transactions: Transactions, datasets: DatasetService, generators: Sequence[CodeGenerator],
                 destinations: Sequence[str], max_selection_bytes: int, app_version: str, wake: Callable[[], None]):
        self._transactions = transactions
        self._datasets = datasets
        self._generators = {name: g for g in generators for name in g.images()}
        self._destinations = destinations
        self._max_selection_bytes = max_selection_bytes
        self._app_version = app_version
        self._wake = wake

    def code_generators(self) -> Mapping[str, str]:
        """The names of the code generators, each with its image or version."""
        return {name: generator.images()[name] for name, generator in self._generators.items()}

    def submit(self, caller: Caller, submission: Submission) -> TransformRequest:
        """Accept a transform: everything is checked and the program made before one row is written.

        Raises BadRequest or one of its kind with what is wrong, TooLarge, or one of Unavailable's kind.
        """
        generator = self._generator(submission)
        dataset_request = self._datasets.check(submission.did, submission.file_list)
        code = generator.generate(submission.codegen or "", submission.selection or "")
        _check_format(submission, code.formats or generator.formats(submission.codegen or ""))
        with self._transactions.write() as session:
            dataset = self._datasets.obtain(session, dataset_request)
            transform = self._new_transform(caller, submission, dataset_request, dataset, code)
            session.add(transform)
            session.flush()
            session.add_all([TransformControl(transform_id=transform.id),
                             GeneratedProgram(transform_id=transform.id, archive=pack(code.files))])
        self._wake()
        return transform

    def _generator(self, submission: Submission) -> CodeGenerator:
        """The code generator of a submission, if it can do what is asked."""
        if submission.result_destination not in self._destinations:
            raise BadRequest(f"result-destination must be one of: {', '.join(self._destinations)}")
        generator = self._generators.get(submission.codegen or "")
        if generator is None:
            raise BadRequest(f"Invalid codegen: {submission.codegen}. This server has: {', '.join(self._generators)}.")
        _check_format(submission, generator.formats(submission.codegen or ""))
        self._check_selection(submission.selection)
        return generator

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

    def list(self, caller: Caller, submitted_by: int | None = None) -> Sequence[TransformRequest]:
        """The transforms that the caller may see, oldest first; of one user only if asked so."""
        query = select(TransformRequest).where(TransformRequest.deleted_at.is_(None)).order_by(TransformRequest.id)
        if not caller.admin:
            query = query.where(TransformRequest.submitted_by == caller.user_id)
        if submitted_by:
            query = query.where(TransformRequest.submitted_by == submitted_by)
        with self._transactions.read() as session:
            return session.scalars(query).all()

    def get(self, caller: Caller, request_id: str) -> TransformRequest:
        """One transform. Raises NotFound, also if it is somebody else's."""
        with self._transactions.read() as session:
            return _visible(session, caller, request_id)

    def statistics(self, transform: TransformRequest) -> Statistics | None:
        """Sums over the results so far, None as long as there is none. They are kept with the transform: no query."""
        if not transform.files_reported:
            return None
        return Statistics(transform.min_time or 0.0, transform.max_time or 0.0,
                          transform.total_time / transform.files_reported, transform.total_time,
                          transform.total_bytes, transform.total_events)

    def results(self, caller: Caller, request_id: str, later_than: datetime | None = None,
                limit: int | None = None) -> Iterator[TransformResult]:
        """The results from `later_than` on, that time included, oldest first. Raises NotFound before the first one."""
        with self._transactions.read() as session:
            transform = _visible(session, caller, request_id)
        return itertools.islice(self._pages(transform.request_id, later_than), limit)

    def _pages(self, request_id: str, start: datetime | None) -> Iterator[TransformResult]:
        """Results page by page, each in a transaction of its own: a slow reader holds no connection."""
        after = False
        while True:
            with self._transactions.read() as session:
                page = results.page(session, request_id, start, after, RESULTS_PAGE)
            yield from page
            if len(page) < RESULTS_PAGE:
                return
            start, after = page[-1].created_at, True

    def failures(self, caller: Caller, request_id: str,
                 limit: int | None = None) -> Sequence[tuple[TransformResult, DatasetFile]]:
        """The results that are failures, each with its file. Raises NotFound."""
        with self._transactions.read() as session:
            transform = _visible(session, caller, request_id)
            return results.failures(session, transform.request_id, limit)

    def cancel(self, caller: Caller, request_id: str) -> TransformRequest:
        """Cancel a transform. Raises NotFound, and BadRequest if it has ended already."""
        with self._transactions.write() as session:
            transform = _visible(session, caller, request_id)
            if not transforms.move(session, transform.id, TransformStatus.CANCELED):
                raise BadRequest(f"Transform request with id {request_id} is not in progress.")
            controls.hurry(session, transform.id)
        self._wake()
        return transform

    def delete(self, caller: Caller, request_id: str) -> None:
        """Delete a transform with its results. Raises NotFound, and BadRequest if it has not ended."""
        with self._transactions.write() as session:
            transform = _visible(session, caller, request_id)
            if not transform.status.terminal:
                raise BadRequest(f"Transform request with id {request_id} is still in progress; cancel it first.")
            transform.deleted_at = now()
            controls.hurry(session, transform.id)
        self._wake()


def _check_format(submission: Submission, formats: Collection[str]) -> None:
    """Refuse what the generator cannot write at all, or not for this selection."""
    if submission.result_format not in formats:
        raise UnsupportedFormat(f"The code generator {submission.codegen} cannot write {submission.result_format} for "
                                f"this selection; it can write: {', '.join(sorted(formats))}.")


def _visible(session: Session, caller: Caller, request_id: str) -> TransformRequest:
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
