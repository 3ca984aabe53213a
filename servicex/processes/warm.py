"""The server's hold on the warm parent."""
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from servicex.errors import Unavailable
from servicex.processes.child import Child
from servicex.processes.environment import scrubbed
from servicex.processes.log import LogPipe
from servicex.processes.messages import Message, encode
from servicex.processes.status import StatusPipe
from servicex.processes.user import ChildUser

PRELOAD = ("numpy", "awkward", "uproot", "pyarrow.parquet")

_WARM_WITHIN = 120.0
_FORKED_WITHIN = 10.0
_TRIES = 3
# Our package is looked for last: with PYTHONPATH, a site-packages folder would come before the standard library.
_PROGRAM = """
import sys
sys.path.append(sys.argv.pop(1))
from servicex.processes.parent import main
main(sys.argv[1:])
"""
_PACKAGE = Path(__file__).resolve().parents[2]

logger = logging.getLogger(__name__)


class WarmParent:
    """Starts children quickly. Every method may be called from any thread.

    `preload` names the modules that children find already imported; `environment` is what they live in, by default a
    scrubbed copy of the server's; `user` is whom they run as, by default the server's own.
    """

    def __init__(self, preload: Sequence[str] = PRELOAD, environment: Mapping[str, str] | None = None,
                 user: ChildUser | None = None):
        self.user = user
        self._preload = tuple(preload)
        self._environment = scrubbed(os.environ) if environment is None else dict(environment)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The pid of the warm parent, None while there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the warm parent, or start it again if it died; returns when it is warm.

        Raises `Unavailable` if that takes more than two minutes or fails.
        """
        with self._lock:
            self._started()

    def spawn(self, target: str, memory_limit: int | None = None) -> Child:
        """A new child that calls `target` ("module:function") with its `Connection` and ends when that returns.

        `memory_limit` is in bytes and bounds what the child and its own children hold together. Raises `Unavailable`
        if no child can be had.
        """
        for _ in range(_TRIES):
            child = self._try_to_spawn(target, memory_limit)
            if child is not None:
                return child
        raise Unavailable("No worker process could be started; see the server's log.")

    def close(self) -> None:
        """End the warm parent and with it all children."""
        with self._lock:
            self._closed = True
            self._stop()

    def _try_to_spawn(self, target: str, memory_limit: int | None) -> Child | None:
        ours, theirs = socket.socketpair()
        log, log_end = os.pipe()
        status, status_end = os.pipe()
        child = Child(ours, LogPipe(log), told := StatusPipe(status), memory_limit)
        try:
            request = {"target": target, "memory_limit": memory_limit}
            control = self._ask(request, [theirs.fileno(), log_end, status_end])
        except BaseException:
            child.close()
            raise
        finally:
            theirs.close()
            os.close(log_end)
            os.close(status_end)
        if told.wait_for_news(_FORKED_WITHIN) and told.pid:
            return child
        child.close()
        self._give_up(control)
        return None

    def _ask(self, request: Message, descriptors: list[int]) -> socket.socket:
        """Send a request to the warm parent; gives the socket that was used."""
        with self._lock:
            control = self._started()
            data = encode(request)
            try:
                sent = socket.send_fds(control, [data], descriptors)
                control.sendall(data[sent:])
            except OSError:
                logger.warning("the warm parent did not take a request")
        return control

    def _started(self) -> socket.socket:
        if self._closed:
            raise Unavailable("The server is stopping.")
        if self._process is not None and self._control is not None and self._process.poll() is None:
            return self._control
        if self._process is not None:
            logger.warning("the warm parent ended (%s); starting another", self._process.poll())
        self._stop()
        return self._launch()

    def _launch(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-c", _PROGRAM, str(_PACKAGE), str(theirs.fileno())]
            self._process = subprocess.Popen(
                [*command, json.dumps(self._preload)], env=self._environment, cwd="/", pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
                **(self.user.popen_arguments() if self.user else {}))
        self._control = ours
        ours.settimeout(_WARM_WITHIN)
        if not _first_byte(ours):
            self._stop()
            raise Unavailable("The process that starts the workers does not come up; see the server's log.")
        ours.settimeout(_FORKED_WITHIN)
        return ours

    def _give_up(self, control: socket.socket) -> None:
        """Be rid of a warm parent that died or no longer answers, unless another thread was before us."""
        with self._lock:
            if self._control is control:
                self._stop()

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            _end(self._process)
            self._process = None


def _first_byte(control: socket.socket) -> bool:
    try:
        return bool(control.recv(64))
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the warm parent end by itself: it does so, killing its children, once its socket is closed."""
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
