"""Numbers in words, for pages."""
from datetime import datetime

SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
UNKNOWN = "–"


def number(value: int | None) -> str:
    """With commas between thousands."""
    return UNKNOWN if value is None else f"{value:,}"


def size(count: int | None) -> str:
    """Bytes, in units of 1000."""
    if count is None:
        return UNKNOWN
    left, unit = float(count), 0
    while abs(left) >= 999.95 and unit < len(SIZES) - 1:
        left, unit = left / 1000, unit + 1
    return f"{left:.0f} {SIZES[unit]}" if unit == 0 else f"{left:.1f} {SIZES[unit]}"


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that they have."""
    if seconds is None or seconds < 0:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = round(seconds)
    parts: list[str] = []
    for length, name in UNITS:
        if left >= length and len(parts) < 2:
            parts.append(f"{left // length} {name}")
        elif parts:
            break
        left %= length
    return " ".join(parts)


def rate(per_second: float | None, what: str) -> str:
    """So many of something a second, or a minute if they are few."""
    if per_second is None:
        return UNKNOWN
    if per_second >= 1:
        return f"{_rounded(per_second)} {what}/s"
    return f"{_rounded(per_second * 60)} {what}/min"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def moment(at: datetime) -> str:
    """A time, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S")
