"""The folder of an embedded server: locked against a second server, and holding the secret made on its first start."""
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from servicex.errors import ServiceXError

SECRET = "secret"
LOCK = "lock"


class DataDirectoryInUse(ServiceXError):
    """Raised when another server uses the folder."""


class DataDirectoryNotWritable(ServiceXError):
    """Raised when the folder is another user's; the words say what to do in a container."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Make the folder if need be, and keep it for this process.

    Raises DataDirectoryInUse if another server has it, DataDirectoryNotWritable if nothing can be kept there.
    """
    _make(path)
    with locked_file(path / LOCK):
        yield


def _make(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / LOCK).touch(mode=0o600)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise DataDirectoryNotWritable(_whose(_nearest(path.absolute()))) from error


def _nearest(path: Path) -> Path:
    """The folder itself, or the one above it that is there."""
    return next(folder for folder in (path, *path.parents) if os.path.isdir(folder))


def _whose(folder: Path) -> str:
    owner, us = folder.stat(), os.getuid()
    if owner.st_uid == us:
        return f"The server cannot write to {folder}, though it belongs to the same user ({us}): is it read-only?"
    return (f"The server runs as user {us} and cannot write to {folder}, which belongs to user {owner.st_uid}. Run it "
            f"as that user (docker run --user {owner.st_uid}:{owner.st_gid} ...), or give the folder away "
            f"(chown {us} ...).")


@contextmanager
def locked_file(path: Path, patience: float = 3.0) -> Iterator[None]:
    """Keep a lock file for this process; the lock ends with the process, however that ends.

    Raises DataDirectoryInUse if another process still has it after `patience` seconds.
    """
    with open(path, "a") as file:
        deadline = time.monotonic() + patience
        while not _locked(file):
            if time.monotonic() > deadline:
                raise DataDirectoryInUse(
                    f"Another server uses {path.parent}. Stop it, or give this one another --data.")
            time.sleep(0.1)
        yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def secret_key(configured: str, path: Path) -> str:
    """The configured secret, else the one kept in the folder, made if there is none yet.

    A program that runs without the folder, such as a database migration, gets one that is forgotten at its end.
    """
    if configured:
        return configured
    if not path.is_dir():
        return secrets.token_urlsafe(32)
    file = path / SECRET
    if not file.exists():
        _write_once(file, secrets.token_urlsafe(32))
    return file.read_text()


def _write_once(file: Path, text: str) -> None:
    """Write a file that is either there whole or not at all."""
    part = file.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    part.rename(file)
