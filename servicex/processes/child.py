"""The server's hold on one child."""
import os
import select
import signal
import socket
import threading
import time

from servicex.processes import linux
from servicex.processes.errors import BadMessage, ChildDied, ChildTimedOut, MemoryLimitExceeded
from servicex.processes.log import LogPipe
from servicex.processes.messages import Inbox, Message, encode
from servicex.processes.status import StatusPipe

_LOOK_EVERY = 0.2
_LOOK_AT_SESSION_EVERY = 1.0
_CHUNK = 256 * 1024


class Child:
    """A child of the warm parent.

    One thread talks to it and closes it in the end (or uses it as a context manager), which also kills it. `kill`,
    `log_tail` and `clear_log` may be called from any thread.
    """

    def __init__(self, sock: socket.socket, log: LogPipe, status: StatusPipe, memory_limit: int | None):
        self._socket = sock
        self._log = log
        self._status = status
        self._memory_limit = memory_limit
        self._inbox = Inbox()
        self._lock = threading.RLock()
        self._killed = False
        self._too_large = False
        self._closed = False
        sock.setblocking(False)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group and session."""
        return self._status.pid

    def send(self, message: Message, timeout: float = 10.0) -> None:
        """Send a message. Raises `ChildTimedOut` if the child does not take it in `timeout` seconds, `ChildDied`."""
        data = memoryview(encode(message))
        deadline = time.monotonic() + timeout
        while data:
            self._wait(select.POLLOUT, deadline)
            try:
                data = data[self._socket.send(data):]
            except BlockingIOError:
                continue
            except OSError:
                raise self._death() from None

    def receive(self, timeout: float) -> Message:
        """The child's next message. Raises `ChildTimedOut` after `timeout` seconds, `ChildDied` if the child ended.

        A child that sends what is no message is killed and counts as dead.
        """
        deadline = time.monotonic() + timeout
        try:
            while (message := self._inbox.take()) is None:
                self._wait(select.POLLIN, deadline)
                self._inbox.feed(self._read())
        except BadMessage as error:
            self.kill()
            raise ChildDied(f"sent what is no message: {error}") from None
        return message

    def log_tail(self) -> str:
        """The last 16 KiB that the child printed since the log was cleared, as readable lines."""
        with self._lock:
            self._log.read()
            return self._log.tail()

    def clear_log(self) -> None:
        """Forget what was printed up to now."""
        with self._lock:
            self._log.read()
            self._log.clear()

    def kill(self) -> None:
        """Kill the child and its own children at once; a `receive` under way raises `ChildDied`."""
        with self._lock:
            self._killed = True
            if self._closed:
                # Long gone; its number may be somebody else's.
                return
            self._status.read()
            if not self._status.ended:
                _kill_group(self.pid)

    def close(self) -> None:
        """Kill the child and let go of it; `log_tail` still gives what it printed."""
        self.kill()
        with self._lock:
            self._closed = True
            self._log.read()
            self._log.close()
            self._status.close()
            self._socket.close()

    def _wait(self, event: int, deadline: float) -> None:
        """Return when the socket is ready, keeping an eye on everything else. Raises `ChildTimedOut`, `ChildDied`."""
        look_at_session = time.monotonic() + _LOOK_AT_SESSION_EVERY
        while True:
            remaining = deadline - time.monotonic()
            ready = self._poll(event, min(_LOOK_EVERY, max(0.0, remaining)))
            if self._socket_ready(ready, event):
                return
            if self._killed or not self._status.alive:
                # It may have answered and ended between the look at the socket and the look at its status.
                if self._socket_ready(self._poll(event, 0.0), event):
                    return
                raise self._death()
            if remaining <= 0:
                raise ChildTimedOut("the process did not answer in time")
            look_at_session = self._watch_memory(look_at_session)

    def _poll(self, event: int, timeout: float) -> dict[int, int]:
        poll = select.poll()
        poll.register(self._socket, event)
        with self._lock:
            if self._status.alive:
                poll.register(self._status, select.POLLIN)
            if self._log.open:
                poll.register(self._log, select.POLLIN)
        ready = dict(poll.poll(timeout * 1000))
        with self._lock:
            self._log.read()
            self._status.read()
        return ready

    def _socket_ready(self, ready: dict[int, int], event: int) -> bool:
        """Whether the socket can be read or written; an answer that came just before the end still counts."""
        return not self._killed and bool(ready.get(self._socket.fileno(), 0) & event)

    def _read(self) -> bytes:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            raise self._death()
        return data

    def _watch_memory(self, look_at_session: float) -> float:
        """Kill the child if it is too large; gives when its whole session, which costs more, is to be looked at."""
        if self._memory_limit is None:
            return look_at_session
        held = linux.memory_of(self.pid)
        if time.monotonic() >= look_at_session:
            held = max(held, linux.session_memory(self.pid))
            look_at_session = time.monotonic() + _LOOK_AT_SESSION_EVERY
        if held > self._memory_limit:
            self._too_large = True
            self.kill()
        return look_at_session

    def _death(self) -> ChildDied:
        """Why the child is gone; one that only closed its end is ended."""
        if self._too_large:
            limit = (self._memory_limit or 0) / 2**30
            return MemoryLimitExceeded(f"exceeded its memory limit of {limit:.1f} GiB")
        if self._killed:
            return ChildDied("was killed by the server")
        self._status.wait(1.0)
        if self._status.alive:
            self.kill()
            return ChildDied("closed its connection")
        # What is left of it, should the warm parent be gone that would have seen to it.
        if self._status.orphaned:
            _kill_group(self.pid)
        return ChildDied(self._status.how())


def _kill_group(pid: int) -> None:
    if pid <= 0:
        # It was never forked; and group 0 would be the server's own.
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        # Just forked, it has no group yet; or it is gone.
        _kill_one(pid)
    except OSError:
        pass


def _kill_one(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
