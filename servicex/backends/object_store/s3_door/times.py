"""The two ways in which S3 requests give a time; all are seconds since 1970."""
import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

MAX_SKEW = 15 * 60

_STAMP = re.compile("[0-9]{8}T[0-9]{6}Z")
_STAMP_FORMAT = "%Y%m%dT%H%M%SZ"


def from_stamp(stamp: str) -> float | None:
    """The time written like `20261124T080000Z`; None if it is not."""
    if not _STAMP.fullmatch(stamp):
        return None
    try:
        return datetime.strptime(stamp, _STAMP_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def to_stamp(time: float) -> str:
    """The time written like `20261124T080000Z`."""
    return datetime.fromtimestamp(time, UTC).strftime(_STAMP_FORMAT)


def from_http_date(text: str) -> float | None:
    """The time written like `Tue, 24 Nov 2026 08:00:00 GMT`; None if it is not."""
    try:
        time = parsedate_to_datetime(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def to_http_date(time: float) -> str:
    """The time written like `Tue, 24 Nov 2026 08:00:00 GMT`."""
    return formatdate(time, usegmt=True)


def from_either(text: str) -> float | None:
    """The time written in either way; None if it is in neither."""
    stamped = from_stamp(text)
    return from_http_date(text) if stamped is None else stamped
