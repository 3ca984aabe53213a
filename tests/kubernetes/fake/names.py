"""What names, labels and quantities must look like. Each function tells what is wrong, or nothing."""
import re
from decimal import Decimal

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = "KMGTPE"


def subdomain_problem(name: str) -> str:
    """Of a name of an object: lower case letters, digits, hyphens and dots."""
    if len(name) > 253:
        return "must be no more than 253 characters"
    return "" if _SUBDOMAIN.fullmatch(name) else (
        "a DNS-1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
        "with an alphanumeric character")


def dns_label_problem(name: str) -> str:
    """Of a name of a container, volume or namespace: as above, shorter, without dots."""
    if len(name) > 63:
        return "must be no more than 63 characters"
    return "" if _LABEL.fullmatch(name) else (
        "a DNS-1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
        "alphanumeric character")


def label_problem(key: str) -> str:
    """Of the key of a label, which may have a domain in front."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or subdomain_problem(prefix)):
        return f"prefix part {subdomain_problem(prefix) or 'must be non-empty'}"
    return f"name part {problem}" if (problem := _qualified_problem(name)) else ""


def label_value_problem(value: str) -> str:
    """Of the value of a label, which may be empty."""
    return _qualified_problem(value) if value else ""


def variable_problem(name: str) -> str:
    """Of the name of an environment variable."""
    return "" if _VARIABLE.fullmatch(name) else (
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must "
        "not start with a digit")


def key_problem(key: str) -> str:
    """Of a key in a ConfigMap or Secret."""
    if len(key) > 253:
        return "must be no more than 253 characters"
    if key in (".", "..") or key.startswith(".."):
        return "must not be '.' or start with '..'"
    return "" if _KEY.fullmatch(key) else "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"


def quantity(text: str) -> Decimal | None:
    """The number that a quantity such as `500m` or `2Gi` is, or None if it is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix.endswith("i"):
        return number * 1024 ** (_BINARY.index(suffix[0]) + 1)
    return number * Decimal(10) ** (_POWERS[suffix] if suffix in _POWERS else int(suffix[1:]))


def _qualified_problem(name: str) -> str:
    if len(name) > 63:
        return "must be no more than 63 characters"
    return "" if _QUALIFIED.fullmatch(name) else (
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        "character")
