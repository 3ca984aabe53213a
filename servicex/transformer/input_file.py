"""What is plain to see of a local input file, whatever its reader may say of it."""
import os
import stat

_ROOT = b"root"
_HEAD = 20
# Above it, ROOT writes the end of the file in 8 bytes and not in 4 (TFile, "format of a ROOT file").
_LARGE_FILE_VERSION = 1_000_000


def is_special(path: str) -> bool:
    """Whether this is a local pipe, device, socket or folder: the reading of such might never end."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        # A URL, or not there: its reader says so.
        return False


def ailment(path: str) -> str:
    """What is wrong with a local file that is empty or shorter than its own header says; empty for all else."""
    try:
        size = os.path.getsize(path)
        if size == 0:
            return "is empty (0 bytes)"
        with open(path, "rb") as file:
            end = _end(file.read(_HEAD))
    except (OSError, ValueError):
        # A URL, or gone meanwhile.
        return ""
    return f"is cut off: it has {size} bytes of {end}" if size < end else ""


def _end(head: bytes) -> int:
    """Where a ROOT file ends by its own header; 0 if this is no such header."""
    if len(head) < _HEAD or not head.startswith(_ROOT):
        return 0
    width = 8 if int.from_bytes(head[4:8], "big") >= _LARGE_FILE_VERSION else 4
    return int.from_bytes(head[12:12 + width], "big")
