"""The user that children run as, where the server is allowed to choose one."""
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UMASK = 0o077


@dataclass(frozen=True)
class ChildUser:
    """Another user than the server's, with a group of the same number and no other groups.

    The server needs the rights to change to that user, to give files away, and to signal and read what is that user's.
    """

    uid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What `subprocess.Popen` is told, so that the process and all it starts are this user's."""
        return {"user": self.uid, "group": self.uid, "extra_groups": [], "umask": UMASK}

    def owns(self, path: Path, mode: int = 0o700) -> None:
        """Give a file or a folder to the user."""
        path.chmod(mode)
        os.chown(path, self.uid, self.uid)

    def may_read(self, folder: Path) -> None:
        """Let the user read a folder of plain files."""
        for path in folder.iterdir():
            path.chmod(0o644)
        folder.chmod(0o755)

    def may_pass(self, folder: Path) -> None:
        """Let the user go through a folder to what it is allowed to read below, without seeing the rest."""
        folder.chmod(0o711)
