"""What may follow a dataset's name in a DID: `?files=N` and `?get=all` or `?get=available`."""
import re
from dataclasses import dataclass

from servicex.errors import InvalidDataset

_OPTIONS = re.compile(r"\?((?:files|get)=[^?/]*)\Z")
_GET_VALUES = ("all", "available")
MAX_FILES_DIGITS = 9


@dataclass(frozen=True)
class DidOptions:
    """The options of a DID.

    `files`: only so many of its files, the first ones by path; None for all of them.
    `get`: `all` or `available`; accepted for the sake of other finders, it changes nothing here.
    """

    files: int | None = None
    get: str = "all"


def split_options(did: str) -> tuple[str, DidOptions]:
    """The dataset's name and its options, from a DID without its scheme.

    A name may be a glob pattern and hold `?` of its own, so only what begins with the last `?files=` or `?get=` and
    holds neither `?` nor `/` is taken for options. Raises `InvalidDataset` for a wrong value and for options that are
    unknown or given twice.
    """
    found = _OPTIONS.search(did)
    if found is None:
        return did, DidOptions()
    name = did[:found.start()]
    if _OPTIONS.search(name):
        raise InvalidDataset(f"The options of the dataset are given twice: {did[:200]!r}. Give ?files=N once.")
    return name, _read(found.group(1))


def _read(text: str) -> DidOptions:
    values: dict[str, str] = {}
    for part in text.split("&"):
        key, _, value = part.partition("=")
        if key in values:
            raise InvalidDataset(f"The option {key[:50]!r} of the dataset is given twice.")
        values[key] = value
    unknown = sorted(values.keys() - {"files", "get"})
    if unknown:
        raise InvalidDataset(f"Unknown dataset option {unknown[0][:50]!r}: files=N and get=all|available are known.")
    return DidOptions(_file_count(values.get("files")), _get_value(values.get("get", "all")))


def _file_count(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(rf"[0-9]{{1,{MAX_FILES_DIGITS}}}", text) or int(text) == 0:
        raise InvalidDataset(f"files={text[:50]!r} is not a number of files: it must be a positive whole number.")
    return int(text)


def _get_value(text: str) -> str:
    if text not in _GET_VALUES:
        raise InvalidDataset(f"get={text[:50]!r} is not known: it must be get=all or get=available.")
    return text
