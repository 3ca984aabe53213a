"""Naming files, and opening what a user's program has left: only ever a plain file."""
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# O_NONBLOCK, or a named pipe in the place of a file would make the opening wait for a writer.
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

MAX_NAME_BYTES = 255  # what the usual file systems take


def is_file_name(name: str) -> bool:
    """Whether a result may be called so: one file name of at most 255 bytes, not beginning with a dot."""
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        return False
    try:
        return len(name.encode()) <= MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False


def open_plain_file(path: Path) -> BinaryIO:
    """The file, open for reading. Raises `OSError`, also if it is a link, a folder or a pipe."""
    descriptor = os.open(path, READ_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return open(descriptor, "rb")
