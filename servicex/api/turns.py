"""How many requests are at work at once. Threads there are more of: those of streams sleep, and take no turn.

Each request at work may want a connection to the database, of which there are THREADS for them. One that only waits,
for news or for its client, gives its turn back meanwhile.
"""
from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import request
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TURN = "servicex.turn"


class Turn:
    """The turn of one request."""

    def __init__(self, free: threading.Semaphore):
        self._free = free
        self._taken = False

    def take(self) -> None:
        """Wait for it."""
        self._free.acquire()
        self._taken = True

    def give_back(self) -> None:
        """Let another request have it; a second time does nothing."""
        if self._taken:
            self._taken = False
            self._free.release()


class Turns:
    """Lets at most so many requests to the app be at work at once, whatever the threads of the server are."""

    def __init__(self, app: WSGIApplication, most: int):
        self._app = app
        self._free = threading.Semaphore(most)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        turn = environ[TURN] = Turn(self._free)
        turn.take()
        try:
            body = self._app(environ, start_response)
        except BaseException:
            turn.give_back()
            raise
        if isinstance(body, environ.get("wsgi.file_wrapper", ())):
            turn.give_back()  # the server sends the file by itself, and must be given it as it is
            return body
        return ClosingIterator(body, turn.give_back)


def turn() -> Turn:
    """The turn of the present request."""
    found: Turn = request.environ.get(TURN) or Turn(threading.Semaphore())
    return found


@contextmanager
def given_back() -> Iterator[None]:
    """Without its turn as long as the present request waits."""
    mine = turn()
    mine.give_back()
    try:
        yield
    finally:
        mine.take()
