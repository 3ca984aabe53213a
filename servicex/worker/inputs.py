"""In which order the replicas of a file are tried, and where they are read: as the existing sidecars do."""
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from servicex.backends.broker.base import WorkMessage
from servicex.backends.launcher.local_work import Work

REMOTE = re.compile(r"(https?|roots?|xroots?)://", re.IGNORECASE)


def in_order(paths: Sequence[str]) -> tuple[str, ...]:
    """The replicas in the order in which they are tried: those on web servers last."""
    return tuple(sorted(paths, key=lambda path: path.startswith("http")))


def through_cache(path: str, hosts: Sequence[str]) -> str:
    """Where a replica is read with these caches: always at the same one, so that no file is in two."""
    if not hosts:
        return path
    chosen = int(sha256(path.encode("utf-8", "surrogatepass")).hexdigest(), 16) % len(hosts)
    return f"root://{hosts[chosen]}//{path}"


def is_remote(path: str) -> bool:
    """Whether it is read through the network."""
    return REMOTE.match(path) is not None


def make_work(message: WorkMessage, hosts: Sequence[str], attempts: int, fetched: Path | None = None) -> Work:
    """What a worker has to know of a file that it is asked for."""
    paths = in_order(message.paths)
    return Work(message, paths, tuple(through_cache(path, hosts) for path in paths), fetched, attempts)
