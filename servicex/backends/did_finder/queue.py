"""Finders that run elsewhere, as Celery workers: they are asked through the broker and answer by HTTP."""
import re
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, urlsplit

from servicex.backends.did_finder.allowed_paths import check_text
from servicex.backends.did_finder.base import DidFinder
from servicex.backends.did_finder.options import MAX_FILES_DIGITS
from servicex.errors import InvalidDataset

Publish = Callable[[str, str, int, str], None]
_FILE_COUNT = re.compile(rf"-1|0*[1-9][0-9]{{0,{MAX_FILES_DIGITS - 1}}}")
_VALUES = {"files": _FILE_COUNT, "get": re.compile("all|available")}
_WORDS = {"files": "must be a positive whole number", "get": "must be get=all or get=available"}


class QueueDidFinder(DidFinder):
    """Has finders outside the server look datasets up, one kind of them for each scheme.

    `publish(scheme, did, dataset_id, endpoint)` puts the question into the queue of the scheme, and raises
    `Unavailable` if it cannot. `endpoint` gives the URL below which the finder reports on a dataset. Whether a finder
    is at work on a question cannot be known: one that gives no sign of life for too long is asked again.
    """

    def __init__(self, schemes: Iterable[str], publish: Publish, endpoint: Callable[[int], str]):
        self._schemes = frozenset(schemes)
        self._publish = publish
        self._endpoint = endpoint

    @property
    def schemes(self) -> frozenset[str]:
        """Those it was made with."""
        return self._schemes

    def check(self, scheme: str, did: str) -> None:
        """Raise `InvalidDataset` for what the finders' library would answer with silence or with something else.

        It takes `files` and `get` out of the query, whatever the name before it, and what is not `key=value` is lost.
        """
        check_text(did, "The DID")
        for part in _query(did).split("&"):
            key, separator, _ = part.partition("=")
            if part and not (key and separator):
                raise InvalidDataset(f"{part[:50]!r} after the '?' of the DID would be lost: a '?' begins options, as "
                                     "in ?files=5, and cannot be part of a name or pattern.")
        _check_options(parse_qsl(_query(did), keep_blank_values=True))

    def look_up(self, scheme: str, did: str, dataset_id: int) -> None:
        """Put the question into the queue. Raises `Unavailable` if the broker does not take it."""
        self._publish(scheme, did, dataset_id, self._endpoint(dataset_id))


def _query(did: str) -> str:
    try:
        return urlsplit(did).query
    except ValueError as error:
        raise InvalidDataset(f"{did[:200]!r} cannot be read as a URL: {error}.") from error


def _check_options(options: list[tuple[str, str]]) -> None:
    seen = set()
    for key, value in options:
        if key in seen and key in _VALUES:
            raise InvalidDataset(f"The option {key!r} of the dataset is given twice.")
        if key in _VALUES and not _VALUES[key].fullmatch(value):
            raise InvalidDataset(f"{key}={value[:50]!r} is not known: it {_WORDS[key]}.")
        seen.add(key)
