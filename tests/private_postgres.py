"""A PostgreSQL of the tests' own, on a free port, in a folder of its own, which may be stopped and killed."""
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.running_server import free_port

START_SECONDS = 60.0
FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class PrivatePostgres:
    """A PostgreSQL with one database, on 127.0.0.1; `url` stays the same when it is started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"postgresql+psycopg2://tester@127.0.0.1:{self.port}/postgres"
        self._folder = Path(tempfile.mkdtemp(prefix="servicex-postgres-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        if not self._data.exists():
            self._make()
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [*_as_postgres(), str(FOLDERS[-1] / "postgres"), "-D", str(self._data), "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}",
                 "-c", "max_connections=200"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, (self._folder / "output").read_text(errors="replace")[-2000:]
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it in good order, without waiting for its clients."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """End it and remove all it left."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        self._folder.chmod(0o755)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        subprocess.run([*_as_postgres(), str(FOLDERS[-1] / "initdb"), "-D", str(self._data), "-U", "tester", "-A",
                        "trust", "-E", "UTF8", "--no-sync"], check=True, capture_output=True, cwd=self._folder)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        target = os.killpg if how is signal.SIGKILL else os.kill
        target(self._process.pid, how)
        self._process.wait(START_SECONDS)
        self._process = None

    def _answers(self) -> bool:
        ready = subprocess.run([str(FOLDERS[-1] / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)],
                               capture_output=True)
        return ready.returncode == 0


def _as_postgres() -> list[str]:
    """PostgreSQL does not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
