"""Lists of any length, read page by page, each page in a transaction of its own: a slow reader holds no connection."""
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Row = TypeVar("Row")
Place = TypeVar("Place")


def in_pages(read: Callable[[Place | None, int], Sequence[Row]], place: Callable[[Row], Place], after: Place | None,
             size: int, limit: int | None) -> Iterator[Row]:
    """The rows that `read(after, at_most)` gives, `size` at a time, at most `limit` in all; `place` orders them."""
    left = sys.maxsize if limit is None else limit
    while left:
        asked = min(size, left)
        page = read(after, asked)
        yield from page
        if len(page) < asked:
            return
        left -= asked
        after = place(page[-1])
