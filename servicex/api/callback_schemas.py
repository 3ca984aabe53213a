"""The wire of finders and transformers: they never look at an answer, so what can be understood is not refused."""
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, field_validator

from servicex.api.schemas import FILE_LIST_LIMIT, LARGEST_ID, Body, Text

PATH_LIMIT = 65_536
PATHS_LIMIT = 1000
WORDS_LIMIT = 10_000
LOG_LIMIT = 16_384
MOST_ATTEMPTS = 1000
# Beyond this a size or a number of events is nonsense, and the sum over a dataset would overflow.
LARGEST_COUNT = 2 ** 43
LONGEST_SECONDS = 1e9
UNSTORABLE = {0: "\ufffd", **dict.fromkeys(range(0xd800, 0xe000), "\ufffd")}


def _seconds(value: Any) -> float:
    """A number as it is; 0, which stands for unknown, for anything that is none or cannot be."""
    return float(value) if isinstance(value, int | float) and 0 <= value <= LONGEST_SECONDS else 0.0


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and 0 <= value <= LARGEST_COUNT else 0


def _words(value: Any) -> str:
    """Any value as text that can be stored."""
    return "" if value is None else str(value)[:WORDS_LIMIT].translate(UNSTORABLE)


def _log(value: Any) -> str:
    """Any value as text that can be stored; of one that is too long the end says most."""
    return "" if value is None else str(value)[-LOG_LIMIT:].translate(UNSTORABLE)


def _attempts(value: Any) -> int:
    return min(max(1, _count(value)), MOST_ATTEMPTS)


def _size(value: Any) -> int | None:
    """A size in bytes; None for anything that is none or cannot be."""
    return int(value) if isinstance(value, int) and 0 <= value <= LARGEST_COUNT else None


def _object(value: Any) -> Any:
    return value if isinstance(value, dict) else None


def _checksum(value: Any) -> str | None:
    return None if value is None else _words(value)[:48]


Count = Annotated[int, BeforeValidator(_count)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Words = Annotated[str, BeforeValidator(_words)]
Path = Annotated[Text, Field(min_length=1, max_length=PATH_LIMIT)]
FileId = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class FoundFileBody(Body):
    """A file that a finder found: its replicas in order of preference. Sizes are in bytes, 0 or null if not known."""

    paths: list[Path] = Field(min_length=1, max_length=PATHS_LIMIT)
    adler32: Annotated[str | None, BeforeValidator(_checksum)] = None
    file_size: Count = 0
    file_events: Count = 0


class FoundFilesBody(RootModel[Annotated[list[FoundFileBody], Field(max_length=FILE_LIST_LIMIT)]]):
    """Files that a finder found; a single one may come without a list around it."""

    @field_validator("root", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value


class LookupCompleteBody(Body):
    """How many files the finder says it sent."""

    files: Annotated[int | None, BeforeValidator(lambda value: None if value is None else _count(value))] = None


class LookupErrorBody(Body):
    """Why a look-up failed. Any `error-type` unknown here counts as `internal_failure`."""

    error_type: Words = Field("internal_failure", alias="error-type")
    message: Words = "The finder does not say why it failed."


class FileErrorBody(Body):
    """Why a file failed: the kind of error, one line for a person, the stack trace, the last lines of the log."""

    error_class: Words = Field("", alias="class")
    message: Words = ""
    trace: Words = ""
    log: Annotated[str, BeforeValidator(_log)] = ""


class FileCompleteBody(Body):
    """How a file went: anything but `success` is a failure. `total-time` is in seconds, `object-size` in bytes.

    `s3-object-name`, `object-size`, `attempts` and `error` are told by our own workers, and not by sidecars of 2024.
    """

    file_id: FileId = Field(alias="file-id")
    file_path: Path = Field(alias="file-path")
    status: Words
    total_time: Seconds = Field(0.0, alias="total-time")
    total_events: Count = Field(0, alias="total-events")
    object_name: Words = Field("", alias="s3-object-name")
    object_size: Annotated[int | None, BeforeValidator(_size)] = Field(None, alias="object-size")
    attempts: Annotated[int, BeforeValidator(_attempts)] = 1
    error: Annotated[FileErrorBody | None, BeforeValidator(_object)] = None
    place: Any = None

    @property
    def host(self) -> str:
        """Where the transformer ran."""
        return _words(self.place.get("host_name")) if isinstance(self.place, dict) else ""


class TransformStatusBody(Body):
    """What a transformer says of a transform as a whole; the severity `fatal` ends it."""

    source: Annotated[Words, Field(min_length=1)]
    info: Annotated[Words, Field(min_length=1)]
    severity: Words = "info"


class FileStatusBody(Body):
    """What a transformer says of a file on the way; `timestamp` without a zone is UTC, now if it is none."""

    status_code: Annotated[Words, Field(min_length=1, alias="status-code")]
    timestamp: Words
    pod_name: Words = Field("", alias="pod-name")
    info: Words = ""

    @property
    def at(self) -> datetime:
        """When it happened."""
        try:
            at = datetime.fromisoformat(self.timestamp)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            return datetime.now(UTC)


class FilesTaken(Body):
    """The files were taken, or are of no more use."""

    dataset_id: str


class Ok(RootModel[Literal["Ok"]]):
    """The report was taken, or is of no more use."""


class Nothing(RootModel[None]):
    """What was said was taken; there is no more to say."""
