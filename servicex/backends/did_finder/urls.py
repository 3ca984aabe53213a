"""Which URLs of remote files are accepted."""
import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from servicex.backends.did_finder.allowed_paths import CHAIN
from servicex.errors import InvalidDataset

# What uproot reads through fsspec: aiohttp serves http(s), fsspec-xrootd serves root and no other spelling of it.
REMOTE_SCHEMES = ("root", "http", "https")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def check_url(url: str, allow_private_hosts: bool = True) -> str:
    """The URL itself; raises `InvalidDataset` unless it names a path on a host with one of `REMOTE_SCHEMES`.

    Without `allow_private_hosts`, hosts written as a loopback, link-local or private address, or as `localhost`, are
    refused. A name that resolves to such an address is not found out here: nothing is resolved at submit, and only the
    transformer's network can keep it from going there.
    """
    parts = _split(url)
    if parts.scheme not in REMOTE_SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in REMOTE_SCHEMES)
        raise InvalidDataset(f"{url[:200]!r} cannot be read: {known}, file:// and plain paths can.")
    if not parts.hostname or not parts.path.strip("/"):
        raise InvalidDataset(f"{url[:200]!r} is not complete: write {parts.scheme}://host/path.")
    if CHAIN in parts.path + parts.query + parts.fragment:
        raise InvalidDataset(f"{url[:200]!r} holds '::', which names a file in a file; that cannot be read here.")
    if not allow_private_hosts and is_private_host(parts.hostname):
        raise InvalidDataset(f"{url[:200]!r} is on a private address, and this server reads from public hosts only.")
    return url


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # raises for a port that is no number
    except ValueError as error:
        raise InvalidDataset(f"{url[:200]!r} is not a URL: {error}.") from error
    return parts


def is_private_host(host: str) -> bool:
    """Whether a host is written as `localhost` or as an address that is not public (`127.1` and `2130706433` too)."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and not address.is_global


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        pass
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address
