"""Waking the controller from another process: PostgreSQL's NOTIFY and LISTEN.

A wake-up is sent by a thread of its own, at most every few milliseconds, so that no request waits for it and a thousand
of them cost one. It says only that there is something to do; one that is lost costs an interval of the controller.
"""
import logging
import os
import select
import threading
import time
from typing import Any

import psycopg2
from sqlalchemy import Engine

log = logging.getLogger(__name__)
CHANNEL = "servicex_controller"
CONNECT_SECONDS = 5
# How long wake-ups are gathered before the next is sent.
GATHERED_SECONDS = 0.02
RETRY_SECONDS = 1.0


def _connect(engine: Engine) -> Any:
    arguments, options = engine.dialect.create_connect_args(engine.url)
    connection = psycopg2.connect(*arguments, **{"connect_timeout": CONNECT_SECONDS, **options})
    connection.autocommit = True
    return connection


class WakeSender:
    """Tells the controllers that there is something to do. The thread begins with the first call, after any fork."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._wanted = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self) -> None:
        self._wanted.set()
        if self._thread is None:
            with self._starting:
                self._start()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wake-sender", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        connection = None
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                connection = connection or _connect(self._engine)
                connection.cursor().execute(f"NOTIFY {CHANNEL}")
            except psycopg2.Error as error:
                log.warning("the controller could not be woken: %s", str(error).strip())
                connection = None
                time.sleep(RETRY_SECONDS)
            time.sleep(GATHERED_SECONDS)


class WakeListener:
    """Waits for a wake-up from any process; may also be woken in its own by calling it."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._connection: Any = None
        self._reading_end, self._writing_end = os.pipe()

    def __call__(self) -> None:
        os.write(self._writing_end, b"\0")

    def wait(self, seconds: float) -> None:
        """Return when woken, or after some seconds."""
        try:
            self._connection = self._connection or self._listening()
            ready, _, _ = select.select([self._reading_end, self._connection], [], [], seconds)
            if self._connection in ready:
                self._connection.poll()
                self._connection.notifies.clear()
        except (psycopg2.Error, OSError) as error:
            log.warning("wake-ups cannot be heard just now: %s", str(error).strip())
            self._connection = None
            ready, _, _ = select.select([self._reading_end], [], [], min(seconds, RETRY_SECONDS))
        if self._reading_end in ready:
            os.read(self._reading_end, 65536)

    def _listening(self) -> Any:
        connection = _connect(self._engine)
        connection.cursor().execute(f"LISTEN {CHANNEL}")
        return connection
