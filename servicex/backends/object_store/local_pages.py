"""Listing a folder in pages, as S3 does."""
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from servicex.backends.object_store.base import PageRequest


@dataclass
class KeyPage:
    """A page of keys, of the prefixes they share, and the last key it covers; `truncated` if more follow."""

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    truncated: bool = False


def page_of(keys: Sequence[str], wanted: PageRequest) -> KeyPage:
    """The page of the sorted keys that is wanted. Keys that share a prefix up to the delimiter count as one entry."""
    page = KeyPage()
    start = max(bisect_left(keys, wanted.prefix), bisect_right(keys, wanted.after))
    for key in keys[start:] if wanted.max_entries else ():
        if not key.startswith(wanted.prefix):
            break
        shared = _shared_prefix(key, wanted)
        if not shared or shared not in page.prefixes[-1:]:
            if len(page.keys) + len(page.prefixes) == wanted.max_entries:
                page.truncated = True
                break
            (page.prefixes if shared else page.keys).append(shared or key)
        page.last = key
    return page


def _shared_prefix(key: str, wanted: PageRequest) -> str:
    if not wanted.delimiter:
        return ""
    before, found, _ = key[len(wanted.prefix):].partition(wanted.delimiter)
    return wanted.prefix + before + found if found else ""
