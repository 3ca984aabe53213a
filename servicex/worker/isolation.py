"""What keeps a worker's secrets from the programs that run beside it."""
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from servicex.processes import ChildUser
from servicex.processes.environment import scrubbed
from servicex.settings import InvalidSettings

SAME = "same"
LOOK_SECONDS = 30.0
LARGEST_PROXY = 2**20
# What the environment says of the worker's own user.
OF_THE_WORKER = frozenset({"USER", "LOGNAME", "XDG_RUNTIME_DIR"})

log = logging.getLogger(__name__)


def child_user(chosen: str | None) -> ChildUser | None:
    """Whom programs run as; None stands for the worker's own user. Raises InvalidSettings unless that is said."""
    if chosen == SAME:
        return None
    if os.geteuid() != 0:
        raise InvalidSettings("Programs could read this worker's secrets: run it as root with --child-user UID, or say "
                              "--child-user same if there are none that matter.")
    if not chosen or not chosen.isascii() or not chosen.isdigit() or not 0 < int(chosen) < 2**31:
        raise InvalidSettings("--child-user must be the number of a user other than root that owns nothing here.")
    return ChildUser(int(chosen))


def child_environment(environment: Mapping[str, str], user: ChildUser | None, home: Path,
                      proxy: Path | None) -> dict[str, str]:
    """The environment of programs: nothing of the settings, and a home of their own."""
    passed_on = scrubbed(environment)
    if user is not None:
        passed_on = {name: value for name, value in passed_on.items() if name not in OF_THE_WORKER}
        passed_on["HOME"] = str(home)
    return passed_on | ({"X509_USER_PROXY": str(proxy)} if proxy else {})


class ProxyCopy(threading.Thread):
    """A copy of a grid proxy that only the programs can read, as XRootD demands of one; renewed with its original.

    Raises InvalidSettings if there is no such file.
    """

    def __init__(self, source: Path, folder: Path, user: ChildUser | None):
        super().__init__(name="proxy", daemon=True)
        self.path = folder / "x509up"
        self._source = source
        self._user = user
        self._content = b""
        folder.mkdir(parents=True, exist_ok=True)
        if user is not None:
            user.may_pass(folder)
        try:
            self.renew()
        except OSError as error:
            raise InvalidSettings(f"--x509: {source} cannot be read: {error.strerror}.") from error

    def run(self) -> None:
        """Renew it whenever its original has changed."""
        while not threading.Event().wait(LOOK_SECONDS):
            try:
                self.renew()
            except OSError as error:
                log.warning("the grid proxy was not renewed: %s", error)

    def renew(self) -> None:
        """Copy the original if it has changed. Raises `OSError`."""
        with self._source.open("rb") as file:
            content = file.read(LARGEST_PROXY)
        if content == self._content:
            return
        part = self.path.with_name(".x509up")
        part.unlink(missing_ok=True)
        part.write_bytes(content)  # by the umask nobody else's
        if self._user is None:
            part.chmod(0o400)
        else:
            self._user.owns(part, 0o400)
        part.replace(self.path)
        self._content = content
