"""gunicorn's worker of threads, which ends its streams when it is told to end."""
from types import FrameType

from flask import Flask
from gunicorn.workers.gthread import ThreadWorker


class StreamingWorker(ThreadWorker):
    """gunicorn waits for requests that are under way. Streams are for as long as they can be, so they are ended first.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. Runs in the main thread, which never holds a lock of the streams."""
        super().handle_exit(sig, frame)
        app = getattr(self, "wsgi", None)  # told early, it has none yet
        if isinstance(app, Flask):
            app.extensions["servicex"].live.close()
