"""Sending what is to be told outside, in a thread of its own: nothing else waits for a service that is slow."""
import json
import logging
import threading
import time
from collections.abc import Mapping

from servicex.backends.notifier.base import Notifier, NotSent, Refused
from servicex.controller.loop import Waking
from servicex.errors import Unavailable
from servicex.models import Notice
from servicex.services.notices import NoticeService

log = logging.getLogger(__name__)
AT_ONCE = 100
TIDY_SECONDS = 3600.0


class NoticeSender:
    """Sends the notices of those channels that there is a notifier for, from `start` to `close`."""

    def __init__(self, notices: NoticeService, notifiers: Mapping[str, Notifier], wakeup: Waking, interval: float):
        self._notices = notices
        self._notifiers = notifiers
        self._wakeup = wakeup
        self._interval = interval
        self._next_tidy = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin to work in the background."""
        self._thread.start()

    def close(self, seconds: float = 10.0) -> None:
        """Stop after what is being sent; waits at most some seconds for it."""
        self._closing.set()
        self._wakeup()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.pass_once()
            except Unavailable as error:
                log.warning("notices have to wait: %s", error)
            except Exception:
                log.exception("notices could not be looked through; that is tried again")
            self._wakeup.wait(self._interval)

    def pass_once(self) -> None:
        """Send all that is due, as long as it goes well."""
        for channel, notifier in self._notifiers.items():
            self._send_due(channel, notifier)
        if time.monotonic() >= self._next_tidy:
            self._next_tidy = time.monotonic() + TIDY_SECONDS
            self._notices.tidy()

    def _send_due(self, channel: str, notifier: Notifier) -> None:
        """Send what is due on one channel. If that is down, the rest is left for the next pass: others wait, too."""
        for notice_id in self._notices.due(channel, AT_ONCE):
            if self._closing.is_set():
                return
            claimed = self._notices.claim(notice_id)
            if claimed is not None and not self._send(claimed, notifier):
                return

    def _send(self, notice: Notice, notifier: Notifier) -> bool:
        """Whether the channel works, as far as that is known now."""
        try:
            notifier.send(json.loads(notice.content))
        except Refused as error:
            self._notices.failed(notice, str(error), final=True)
        except NotSent as error:
            self._notices.failed(notice, str(error), final=False)
            return False
        except Exception as error:
            log.exception("notice %d could not be sent", notice.id)
            self._notices.failed(notice, type(error).__name__, final=False)
        else:
            self._notices.sent(notice)
        return True
