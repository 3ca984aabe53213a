"""Which DID schemes a server offers."""
import re
from collections.abc import Iterable

from servicex.backends.did_finder.base import DidFinder
from servicex.settings import InvalidSettings

# As servers before this one took them. Lists of files are kept as datasets of the finder "user".
_SCHEME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_RESERVED = "user"
_MAX_LENGTH = 64


def check_schemes(schemes: Iterable[str]) -> None:
    """Raise `InvalidSettings` for a scheme that no DID could have or no queue could be named by."""
    for scheme in schemes:
        if not _SCHEME.fullmatch(scheme) or len(scheme) > _MAX_LENGTH or scheme == _RESERVED:
            raise InvalidSettings(f"VALID_DID_SCHEMES: {scheme[:80]!r} cannot be a scheme: it must be made of letters, "
                                  f"digits and '_', without '://', and not be {_RESERVED!r}.")


def check_default_scheme(default: str, finders: Iterable[DidFinder]) -> None:
    """Raise `InvalidSettings` unless one of the finders serves the scheme of DIDs that name none."""
    served = frozenset().union(*(finder.schemes for finder in finders))
    if default not in served:
        raise InvalidSettings(f"DID_FINDER_DEFAULT_SCHEME is {default!r}, but these schemes are served: "
                              f"{', '.join(sorted(served)) or 'none'}.")
