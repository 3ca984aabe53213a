"""The environment of the processes that read data and run foreign code: the server's own holds secrets."""
from collections.abc import Mapping

_PASSED_ON = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "BEARER_TOKEN_FILE", "KRB5CCNAME",
})
_PASSED_ON_FAMILIES = ("LC_", "XRD_", "X509_", "XrdSec", "SSL_CERT_")

# XRootD waits 2 minutes for a connection, five times over, and looks at its clock every 15 seconds, unless told.
_UNLESS_SET = {"XRD_CONNECTIONWINDOW": "10", "XRD_CONNECTIONRETRY": "2", "XRD_TIMEOUTRESOLUTION": "1"}

# Workers run side by side, one to a core: libraries that start a thread per core would only get in each other's way.
_FIXED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
}


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """What of the server's environment such a process may have: where programs and libraries are, and what authorises
    it on the storage of the grid."""
    passed_on = {name: value for name, value in environment.items() if _is_passed_on(name)}
    return _UNLESS_SET | passed_on | _FIXED


def _is_passed_on(name: str) -> bool:
    return name in _PASSED_ON or name.startswith(_PASSED_ON_FAMILIES)
