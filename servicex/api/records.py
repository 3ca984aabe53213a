"""From rows to what the wire shows of them."""
from dataclasses import dataclass

from servicex.api.schemas import (DatasetRecord, FailureRecord, FileRecord, ResultDetail, ResultRecord,
                                  StatisticsRecord, StatusRecord, TransformRecord)
from servicex.backends.object_store.base import Credentials
from servicex.models import Dataset, DatasetFile, TransformRequest, TransformResult
from servicex.services.transforms import Statistics

LIST_DID = "File List Provided in Request"


@dataclass(frozen=True)
class ResultsAccess:
    """Where a client finds the results of a transform, and with what it may read them."""

    endpoint: str
    secured: bool
    credentials: Credentials


def transform_record(t: TransformRequest, access: ResultsAccess | None = None,
                     log_url: str | None = None) -> TransformRecord:
    """The record of a transform, with how to read its results and where logs are if that is given."""
    return TransformRecord(
        request_id=t.request_id, title=t.title, did=t.did if "://" in t.did else LIST_DID, did_id=t.did_id,
        selection=t.selection, tree_name=t.tree_name, image=t.image, workers=t.workers,
        result_destination=t.result_destination, result_format=t.result_format,
        generated_code_cm=t.generated_code_cm, status=t.status.text, failure_info=t.failure_description,
        app_version=t.app_version, code_gen_image=t.code_gen_image, codegen=t.codegen, files=t.files,
        files_completed=t.files_completed, files_failed=t.files_failed, files_remaining=t.files_remaining,
        submit_time=t.submit_time, finish_time=t.finish_time or "None",
        minio_endpoint=access.endpoint if access else None, minio_secured=access.secured if access else None,
        minio_access_key=access.credentials.access_key if access else None,
        minio_secret_key=access.credentials.secret_key if access else None, log_url=log_url)


def status_record(t: TransformRequest, asked_as: str, stats: Statistics | None) -> StatusRecord:
    """How far a transform is; `asked_as` is the id as it stood in the URL."""
    return StatusRecord(
        status=t.status.text, request_id=asked_as, submit_time=t.submit_time, finish_time=t.finish_time,
        files=t.files, files_completed=t.files_completed, files_processed=t.files_completed,
        files_failed=t.files_failed, files_skipped=t.files_failed, files_remaining=t.files_remaining,
        failure_info=t.failure_description, stats=_statistics(stats) if stats else None)


def _statistics(s: Statistics) -> StatisticsRecord:
    return StatisticsRecord(
        min_time=int(s.min_time), max_time=int(s.max_time), avg_time=s.avg_time, total_time=int(s.total_time),
        avg_rate=s.avg_rate, total_bytes=s.total_bytes, total_events=s.total_events)


def detail_record(r: TransformResult) -> ResultDetail:
    """One result, as details of a status tell it."""
    return ResultDetail(
        id=r.id, request_id=r.request_id, did=r.did, file_id=r.file_id, file_path=r.file_path,
        transform_status=r.transform_status, transform_time=r.transform_time, total_events=r.total_events,
        total_bytes=r.total_bytes, avg_rate=r.avg_rate)


def result_record(r: TransformResult) -> ResultRecord:
    """One result."""
    return ResultRecord(
        request_id=r.request_id, file_id=r.file_id, file_path=r.file_path, transform_status=r.transform_status,
        s3_object_name=r.s3_object_name, total_bytes=r.object_size, total_events=r.total_events,
        transform_time=r.transform_time, created_at=r.created_at)


def failure_record(failed: tuple[TransformResult, DatasetFile, str | None]) -> FailureRecord:
    """Why one file failed; with what its worker told of the last failure: a line, and the stack trace below it."""
    r, file, told = failed
    return FailureRecord(
        pod_name=r.host, file=",".join(file.paths), file_id=r.file_id, events=r.total_events, info=r.error_message,
        error_class=r.error_class, attempts=r.attempts, trace=(told or "").partition("\n")[2] or None, log=r.log)


def dataset_record(d: Dataset) -> DatasetRecord:
    """A dataset without its files."""
    return DatasetRecord(
        id=d.id, name=d.name, did_finder=d.did_finder, n_files=d.n_files, size=d.size, events=d.events,
        last_used=d.last_used, last_updated=d.last_updated, lookup_status=d.lookup_status,
        lookup_message=d.lookup_message, is_stale=d.is_stale)


def file_record(f: DatasetFile) -> FileRecord:
    """One file of a dataset."""
    return FileRecord(id=f.id, adler32=f.adler32, file_size=f.file_size or 0, file_events=f.file_events or 0,
                      paths=",".join(f.paths))
