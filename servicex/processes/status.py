"""What the warm parent tells of one child."""
import os
import select
import signal
import time


class StatusPipe:
    """The reading end of a child's status pipe: one line with its pid, then one with its wait status.

    An end without the second line means that the warm parent itself is gone. Not thread-safe.
    """

    def __init__(self, descriptor: int):
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._data = b""
        self._open = True

    def fileno(self) -> int:
        return self._descriptor

    @property
    def pid(self) -> int:
        """The child's pid; 0 if it was never told."""
        lines = self._lines()
        return lines[0] if lines else 0

    @property
    def alive(self) -> bool:
        """Whether the child runs, as far as was told."""
        return self._open and not self.ended

    @property
    def ended(self) -> bool:
        """Whether the child's end was told."""
        return len(self._lines()) >= 2

    @property
    def orphaned(self) -> bool:
        """Whether the warm parent ended before the child did."""
        return not self._open and not self.ended

    def read(self) -> None:
        """Take what is there."""
        while self._open:
            try:
                data = os.read(self._descriptor, 64)
            except BlockingIOError:
                return
            self._data += data
            if not data:
                self.close()

    def wait(self, timeout: float) -> None:
        """Wait up to `timeout` seconds for the child's end."""
        deadline = time.monotonic() + timeout
        while self.alive and self.wait_for_news(deadline - time.monotonic()):
            pass

    def wait_for_news(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for something to be told; whether something was."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        news = bool(poll.poll(max(0.0, timeout) * 1000))
        self.read()
        return news

    def how(self) -> str:
        """How the child ended, to finish the sentence "The process ..."."""
        if self.orphaned:
            return "ended with its parent process, which died"
        code = os.waitstatus_to_exitcode(self._lines()[1])
        return f"exited with code {code}" if code >= 0 else f"was killed by signal {-code} ({_signal_name(-code)})"

    def close(self) -> None:
        """Close the pipe; what was told stays."""
        if self._open:
            self._open = False
            os.close(self._descriptor)

    def _lines(self) -> list[int]:
        return [int(line) for line in self._data.split(b"\n")[:-1]]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unnamed"
