"""The name under which a file's result is stored."""
import hashlib
import re
from collections.abc import Sequence

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_MAX_READABLE = 100


def object_name(paths: Sequence[str], result_format: str) -> str:
    """The object name for the file with these replicas: the same whichever of them is read.

    It is readable, holds no `/`, and a hash over all replicas keeps it distinct from every other file's, also after
    the client has replaced its `*`, `;` and `:`, of which it has none.
    """
    readable = _NOT_PLAIN.sub("_", _base_name(paths[0]).removesuffix(".root"))[:_MAX_READABLE]
    # A name that begins with a dot is a temporary one to the store.
    readable = re.sub(r"^\.", "_", readable)
    # A file name that is not UTF-8 comes as surrogates, which would otherwise be refused here.
    digest = hashlib.sha256("\n".join(paths).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    suffix = ".parquet" if result_format == "parquet" else ".root"
    return f"{readable}-{digest}{suffix}"


def _base_name(path: str) -> str:
    """The last part of a path or URL, a URL's query left out."""
    if "://" in path:
        path = path.partition("?")[0]
    return path.rstrip("/").rpartition("/")[2]
