"""The environment in which the warm parent and its children live: the server's own holds secrets."""
from collections.abc import Mapping

_PASSED_ON = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "BEARER_TOKEN_FILE",
    "KRB5CCNAME",
})
_PASSED_ON_FAMILIES = ("LC_", "XRD_", "X509_")

# Workers run side by side, one to a core: libraries that start a thread per core would only get in each other's way.
_FIXED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """What of the server's environment a child may have: where programs, libraries and grid credentials are."""
    passed_on = {name: value for name, value in environment.items() if _is_passed_on(name)}
    return passed_on | _FIXED


def _is_passed_on(name: str) -> bool:
    return name in _PASSED_ON or name.startswith(_PASSED_ON_FAMILIES)
