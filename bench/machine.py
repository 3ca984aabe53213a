"""What a server costs, and what others take of the machine while it is measured."""
import contextlib
import time

import psutil


class Others:
    """How many cores were used, since this was made, by what is neither this process nor below it."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._busy, self._own = _busy(), _own()

    def cores(self) -> float:
        """A little too many if processes below this one have ended since."""
        used = (_busy() - self._busy) - (_own() - self._own)
        return max(0.0, used / (time.perf_counter() - self._begun))


def cpu_seconds(pids: list[int]) -> float:
    """What these processes have used so far; those that are gone count as nothing."""
    seconds = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            seconds += sum(psutil.Process(pid).cpu_times()[:2])
    return seconds


def resident(pids: list[int]) -> float:
    """The MB that the largest of these processes has resident."""
    return float(max(psutil.Process(pid).memory_info().rss for pid in pids) / 2 ** 20)


def _own() -> float:
    me = psutil.Process()
    return cpu_seconds([me.pid, *(child.pid for child in me.children(recursive=True))])


def _busy() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
