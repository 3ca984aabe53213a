"""Where a page of a list ended, as text that means nothing to clients."""
import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

LARGEST_ID = 2 ** 31 - 1
LONGEST = 100


def cursor(place: int | datetime) -> str:
    """The cursor for what comes after the row of that id, or of that aware time."""
    text = str(place) if isinstance(place, int) else place.astimezone(UTC).isoformat()
    return base64.urlsafe_b64encode(text.encode()).decode()


def _text(given: object) -> str:
    if not isinstance(given, str) or len(given) > LONGEST:
        raise ValueError("is none that this server gave")
    try:
        return base64.b64decode(given.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("is none that this server gave") from error


def _id(given: object) -> int:
    text = _text(given)
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is none that this list gave")
    return int(text)


def _time(given: object) -> datetime:
    try:
        time = datetime.fromisoformat(_text(given))
    except ValueError as error:
        raise ValueError("is none that this list gave") from error
    if time.utcoffset() is None or cursor(time) != given:
        raise ValueError("is none that this list gave")
    return time


_AS_TEXT = WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+=*$", "maxLength": LONGEST,
                           "description": "`next` of the page before."})
IdCursor = Annotated[int, BeforeValidator(_id), Field(le=LARGEST_ID), _AS_TEXT]
TimeCursor = Annotated[datetime, BeforeValidator(_time), _AS_TEXT]
