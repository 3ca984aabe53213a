"""What a child prints, read from a pipe and mostly forgotten."""
import os

KEPT = 16 * 1024
_CHUNK = 64 * 1024


class LogPipe:
    """The reading end of a child's log pipe. Only the last `KEPT` bytes are remembered. Not thread-safe."""

    def __init__(self, descriptor: int):
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._kept = b""
        self.open = True

    def fileno(self) -> int:
        return self._descriptor

    def read(self, chunks: int = 16) -> None:
        """Take what is there, up to so many chunks of 64 KiB; notices the end of the pipe."""
        for _ in range(chunks if self.open else 0):
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            self._kept = (self._kept + data)[-KEPT:]

    def tail(self) -> str:
        """What is remembered, as readable lines."""
        return readable(self._kept)

    def clear(self) -> None:
        """Forget what was printed up to now."""
        self._kept = b""

    def close(self) -> None:
        """Close the pipe; what is remembered stays."""
        if self.open:
            self.open = False
            os.close(self._descriptor)


def readable(data: bytes) -> str:
    """Bytes as lines of text: a progress bar's carriage returns become line ends, other control characters `?`."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)
