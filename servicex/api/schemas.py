"""The wire: every body taken and given, with the field names that clients know."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, RootModel, StringConstraints,
                      field_validator)

from servicex.api.cursors import LARGEST_ID, IdCursor, TimeCursor

TITLE_LIMIT = 10_240
# How many transforms are watched at once, and for how many seconds an answer can be waited for.
MOST_IDS = 100
LONGEST_WAIT = 60
TREE_NAME_LIMIT = 512
IMAGE_LIMIT = 512
FILE_LIST_LIMIT = 1_000_000
UtcTime = Annotated[datetime, PlainSerializer(lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), return_type=str)]
# Clients with Python before 3.11 cannot read a time that ends in Z, and take what has no zone for UTC.
PlainTime = Annotated[datetime, PlainSerializer(lambda t: t.replace(tzinfo=None).isoformat("T", "microseconds"),
                                                return_type=str)]


def _storable(text: str) -> str:
    """Refuse what a database or a JSON answer cannot hold."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not hold NUL or lone surrogate characters")
    return text


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_storable)]
Title = Annotated[str, StringConstraints(strict=True, max_length=TITLE_LIMIT), AfterValidator(_storable)]
Image = Annotated[str, StringConstraints(strict=True, max_length=IMAGE_LIMIT), AfterValidator(_storable)]
TreeName = Annotated[str, StringConstraints(strict=True, max_length=TREE_NAME_LIMIT), AfterValidator(_storable)]


class Body(BaseModel):
    """What is taken: fields unknown here are left alone, since clients of other versions send them."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Answer(BaseModel):
    """What is given."""

    model_config = ConfigDict(populate_by_name=True)


class Message(Answer):
    """Words for a person: what went wrong, or what was done."""

    message: str


class PageQuery(Body):
    """How much of a list is wanted: all of it if no `limit` is set, else that many, and `next` for the page after."""

    limit: int | None = Field(None, ge=1, le=LARGEST_ID - 1)


class Page(Answer):
    """A list. `next` is there if a `limit` was set: the `cursor` of the page after, null if there is none."""

    next: str | None = None


class SubmitBody(Body):
    """A transform to be made: a dataset (`did` or `file-list`), a selection, and what to make of them."""

    title: Title | None = None
    did: Text | None = None
    file_list: list[Text] | None = Field(None, alias="file-list", max_length=FILE_LIST_LIMIT)
    selection: Text | None = None
    codegen: Text | None = None
    result_destination: Literal["object-store", "volume"] = Field("object-store", alias="result-destination")
    result_format: Literal["arrow", "parquet", "root-file", "root-rntuple"] = Field("parquet", alias="result-format")
    workers: int | None = Field(None, ge=1, le=1_000_000)
    tree_name: TreeName | None = Field(None, alias="tree-name")
    image: Image | None = None

    @field_validator("result_format")
    @classmethod
    def _arrow_is_parquet(cls, value: str) -> str:
        """Old clients say `arrow`, or nothing, and get Parquet; see doc/decisions/result-format-arrow.md."""
        return "parquet" if value == "arrow" else value

    @field_validator("result_destination", "result_format", mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value


class SubmitHeaders(Body):
    """A key of the client's choice that makes a repeated submission give the transform of the first."""

    idempotency_key: str | None = Field(None, alias="Idempotency-Key", pattern=r"^[!-~]{1,255}$")


class TransformRecord(Answer):
    """All there is to know of a transform; `files-remaining` is null as long as no file is known.

    The four `minio-` fields say where the results are and how to read them: host:port, TLS or not, and credentials
    for this transform's bucket alone. They are null in a list, and where the results are not in the object store.
    """

    request_id: str
    title: str | None
    did: str
    did_id: int
    selection: str | None
    tree_name: str | None = Field(alias="tree-name")
    image: str | None
    workers: int | None
    result_destination: str = Field(alias="result-destination")
    result_format: str = Field(alias="result-format")
    generated_code_cm: str | None = Field(alias="generated-code-cm")
    status: str
    failure_info: str | None = Field(alias="failure-info")
    app_version: str | None = Field(alias="app-version")
    code_gen_image: str | None = Field(alias="code-gen-image")
    codegen: str | None
    files: int
    files_completed: int = Field(alias="files-completed")
    files_failed: int = Field(alias="files-failed")
    files_remaining: int | None = Field(alias="files-remaining")
    submit_time: UtcTime = Field(alias="submit-time")
    finish_time: UtcTime | Literal["None"] = Field(alias="finish-time")
    minio_endpoint: str | None = Field(alias="minio-endpoint")
    minio_secured: bool | None = Field(alias="minio-secured")
    minio_access_key: str | None = Field(alias="minio-access-key")
    minio_secret_key: str | None = Field(alias="minio-secret-key", repr=False)
    log_url: str | None = Field(None, alias="log-url")


class TransformList(Page):
    """Transforms, oldest first."""

    requests: list[TransformRecord]


class ListQuery(PageQuery):
    """Which transforms to list."""

    cursor: IdCursor | None = None
    submitted_by: int | None = Field(None, ge=0, le=LARGEST_ID)


class StatusQuery(Body):
    """Whether the status lists every result too, and whether the answer waits for a change.

    `wait` is for how many seconds at the most. `since` is the ETag of an earlier answer: without, what is waited for is
    a change from now on.
    """

    details: bool = False
    wait: float = Field(0.0, ge=0, le=LONGEST_WAIT)
    since: str = Field("", max_length=64)

    @field_validator("details", mode="before")
    @classmethod
    def _any_word_but_no(cls, value: Any) -> bool:
        """Any text asks for details, as it ever did, but for none and those that plainly do not."""
        return str(value).lower() not in ("", "0", "false", "no", "off")


class IdsQuery(Body):
    """Which transforms: their request ids, with commas between them."""

    ids: str = Field(min_length=1, max_length=MOST_IDS * 50)

    @property
    def names(self) -> list[str]:
        """The ids one by one."""
        return list(dict.fromkeys(name for name in self.ids.split(",") if name))

    @field_validator("ids")
    @classmethod
    def _not_too_many(cls, value: str) -> str:
        if not 1 <= len([name for name in value.split(",") if name]) <= MOST_IDS:
            raise ValueError(f"must be at least one and at most {MOST_IDS} ids")
        return value


class StatesQuery(IdsQuery):
    """Which transforms, and whether the workers of those that run are asked for too, of the first few."""

    workers: bool = False


class EventsHeaders(Body):
    """The id of the last event that came before the connection broke."""

    last_event_id: str = Field("", alias="Last-Event-ID", max_length=64)


class LiveRecord(Answer):
    """How far a transform is. Rates are those of late, per second; `seconds-left` is null if it cannot be told."""

    request_id: str = Field(alias="request-id")
    status: str
    terminal: bool
    files: int
    files_completed: int = Field(alias="files-completed")
    files_failed: int = Field(alias="files-failed")
    files_remaining: int | None = Field(alias="files-remaining")
    total_events: int = Field(alias="total-events")
    total_bytes: int = Field(alias="total-bytes")
    files_per_second: float = Field(alias="files-per-second")
    events_per_second: float = Field(alias="events-per-second")
    seconds_left: float | None = Field(alias="seconds-left")
    finish_time: UtcTime | None = Field(alias="finish-time")
    failure_info: str | None = Field(alias="failure-info")


class StateRecord(LiveRecord):
    """The same with the workers: how many are ready and how many there shall be, null if that was not asked for."""

    workers_ready: int | None = Field(None, alias="workers-ready")
    workers_wanted: int | None = Field(None, alias="workers-wanted")


class LiveList(Answer):
    """How far several transforms are."""

    transforms: list[StateRecord]


class StatisticsRecord(Answer):
    """Sums over the results: times in seconds, sizes in bytes, the rate in events per second."""

    min_time: int = Field(alias="min-time")
    max_time: int = Field(alias="max-time")
    avg_time: float = Field(alias="avg-time")
    total_time: int = Field(alias="total-time")
    avg_rate: float = Field(alias="avg-rate")
    total_bytes: int = Field(alias="total-bytes")
    total_events: int = Field(alias="total-events")


class ResultDetail(Answer):
    """One result, as `/status?details=1` tells it."""

    id: int
    request_id: str = Field(alias="request-id")
    did: str
    file_id: int = Field(alias="file-id")
    file_path: str = Field(alias="file-path")
    transform_status: str
    transform_time: float | None
    total_events: int | None = Field(alias="total-events")
    total_bytes: int | None = Field(alias="total-bytes")
    avg_rate: float | None = Field(alias="avg-rate")


class StatusRecord(Answer):
    """How far a transform is. `files-processed` and `files-skipped` are older names for the two counts before them."""

    status: str
    request_id: str = Field(alias="request-id")
    submit_time: UtcTime = Field(alias="submit-time")
    finish_time: UtcTime | None = Field(alias="finish-time")
    files: int
    files_completed: int = Field(alias="files-completed")
    files_processed: int = Field(alias="files-processed")
    files_failed: int = Field(alias="files-failed")
    files_skipped: int = Field(alias="files-skipped")
    files_remaining: int | None = Field(alias="files-remaining")
    failure_info: str | None = Field(alias="failure-info")
    stats: StatisticsRecord | None
    details: list[ResultDetail] | None = None


class ResultsQuery(PageQuery):
    """From when on results are wanted, that time included."""

    cursor: TimeCursor | None = None
    later_than: datetime | None = None

    @field_validator("later_than")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        """A time without a zone is UTC. One so early or late that it has none in UTC is refused."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        try:
            return value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("is outside what can be told in UTC") from error


class ResultRecord(Answer):
    """One result. `total-bytes` is the exact size of the object, null if there is none or it is not known."""

    request_id: str
    file_id: int = Field(alias="file-id")
    file_path: str = Field(alias="file-path")
    transform_status: str
    s3_object_name: str | None = Field(alias="s3-object-name")
    total_bytes: int | None = Field(alias="total-bytes")
    total_events: int | None = Field(alias="total-events")
    transform_time: float | None
    created_at: PlainTime


class ResultList(Page):
    """Results, oldest first."""

    results: list[ResultRecord]


class ErrorsQuery(PageQuery):
    """Which failures to list."""

    cursor: TimeCursor | None = None


class FailureRecord(Answer):
    """Why a file failed. `file` is its replicas joined by commas, `log` the last lines its worker printed.

    `trace` is the stack trace of the last attempt, at most 2048 characters with its end kept; null if there is none.
    """

    pod_name: str | None = Field(alias="pod-name")
    file: str
    file_id: int = Field(alias="file-id")
    events: int | None
    info: str | None
    error_class: str | None = Field(alias="error-class")
    attempts: int
    trace: str | None
    log: str | None


class FailureList(Page):
    """Failures, oldest first."""

    errors: list[FailureRecord]


class DeploymentStatus(Answer):
    """What the workers of a transform are doing, in the words of a Kubernetes deployment, and `states` in ours.

    `trouble` says why none of them can start, `notes` what else a person who waits for them should know.
    """

    replicas: int
    ready_replicas: int
    available_replicas: int
    unavailable_replicas: int
    states: dict[str, int]
    trouble: str
    notes: list[str]


class LogsQuery(Body):
    """How many of the last lines of each worker are wanted."""

    tail: int = Field(200, ge=1, le=5000)


class WorkerLogs(Answer):
    """What workers printed, in one text."""

    logs: str


class DatasetQuery(PageQuery):
    """Which datasets to list: those of one finder (`user` for lists of files), and the deleted ones too or not."""

    cursor: IdCursor | None = None
    did_finder: Text | None = Field(None, alias="did-finder")
    show_deleted: bool = Field(False, alias="show-deleted")


class FileRecord(Answer):
    """One file of a dataset; `paths` is its replicas joined by commas."""

    id: int
    adler32: str | None
    file_size: int
    file_events: int
    paths: str


class DatasetRecord(Answer):
    """A dataset. `lookup_status` is `created`, `looking`, `complete` or a reason of failure; `size` is in bytes."""

    id: int
    name: str
    did_finder: str
    n_files: int
    size: int
    events: int
    last_used: UtcTime
    last_updated: UtcTime
    lookup_status: str
    lookup_message: str | None
    is_stale: bool
    files: list[FileRecord] | None = None


class DatasetList(Page):
    """Datasets, newest first, without their files."""

    datasets: list[DatasetRecord]


class DatasetDeleted(Answer):
    """The dataset is stale now: whoever names it next has it looked up anew."""

    dataset_id: int = Field(alias="dataset-id")
    stale: bool


class Info(Answer):
    """What this server is and can do. `code-gen-image` has the code generators by name."""

    app_version: str = Field(alias="app-version")
    code_gen_image: dict[str, str] = Field(alias="code-gen-image")
    capabilities: list[str]


class HealthAnswer(Answer):
    """How the server is, and each of its parts: `ok`, or words for whoever runs it."""

    status: str
    parts: dict[str, str]


class NamesToUrls(RootModel[dict[str, str]]):
    """Names of code generators, each with where it is."""
