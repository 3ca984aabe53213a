"""The worker's end of its transform's queue."""
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.broker.celery_message import transform_message, work_in
from servicex.backends.broker.rabbitmq_connection import connection_parameters, split_urls
from servicex.worker.open_work import Arrival, OpenWork, Receipt

# One file is transformed or on its way to the store and the server, and the input of another is fetched.
MESSAGES = 2
# How many workers had the file in hand before and ended: RabbitMQ itself only tells whether a message came before.
ATTEMPTS = "servicex-attempts"
MOST_ATTEMPTS = 1000
NOT_FOUND = 404
CONNECT_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
LOOK_SECONDS = 0.2
CLOSED_WITHIN = 5.0

log = logging.getLogger(__name__)


class Consumer(threading.Thread):
    """Takes messages from the queue, and acknowledges them when their files were reported.

    It never makes the queue: the controller does, when it finds it missing, and publishes again what was in it. So a
    queue that stays away for `patience` seconds while nothing is in hand belongs to a transform that is over. Then, or
    when the broker is away for `away_seconds`, it sets `over` and ends; `lost` says that it was the broker. `address`
    is called with where to report, as the latest message says. Raises InvalidSettings for an unfit URL.
    """

    def __init__(self, urls: str, request_id: str, work: OpenWork, address: Callable[[str], None],
                 over: threading.Event, patience: float, away_seconds: float = 600.0):
        super().__init__(name="consumer", daemon=True)
        self._brokers = [connection_parameters(url, CONNECT_SECONDS) for url in split_urls(urls)]
        self._request_id = request_id
        self._queue = work_queue(request_id)
        self._work = work
        self._address = address
        self._over = over
        self._gone = Absence(patience)
        self._away = Absence(away_seconds)
        self._leaving = threading.Event()
        self._closed = threading.Event()
        self._number = 0
        self._channel: BlockingChannel | None = None
        self.lost = False
        work.settled = self._settle

    def leave(self) -> None:
        """Take no more messages, and give back those not begun; the others are acknowledged until it is closed."""
        self._leaving.set()

    def close(self) -> None:
        """Acknowledge what was reported and end. What was not goes back to the queue."""
        self._leaving.set()
        self._closed.set()
        self.join(CLOSED_WITHIN)

    def run(self) -> None:
        """Serve the queue, over as many connections as it takes."""
        pause = FIRST_PAUSE
        while not self._leaving.is_set():
            try:
                self._serve_connection()
            except ChannelClosedByBroker as refusal:
                self._refused(refusal)
            except (AMQPError, OSError) as error:
                self._away.noticed(f"RabbitMQ is away: {type(error).__name__} {error}")
            self._channel = None
            if self._given_up():
                self._over.set()
                return
            pause = min(2 * pause, LONGEST_PAUSE) if self._away.began else FIRST_PAUSE
            self._leaving.wait(pause * random.uniform(0.5, 1))

    def _refused(self, refusal: ChannelClosedByBroker) -> None:
        if refusal.reply_code == NOT_FOUND:
            self._away.over()
            self._gone.noticed("the queue is gone")
        else:
            self._away.noticed(f"RabbitMQ refuses the queue: {refusal.reply_text}")

    def _given_up(self) -> bool:
        self.lost = self._away.too_long
        return self.lost or self._gone.too_long and self._work.idle

    def _serve_connection(self) -> None:
        """Serve the queue until it is gone, the connection is lost, or the worker leaves."""
        with pika.BlockingConnection(self._brokers) as connection:
            channel = connection.channel()
            channel.queue_declare(self._queue, passive=True)
            channel.basic_qos(prefetch_count=MESSAGES)
            gone = threading.Event()
            channel.add_on_cancel_callback(lambda _: gone.set())
            self._number += 1
            self._channel = channel
            ours = channel.basic_consume(self._queue, partial(self._arrived, self._number))
            self._away.over()
            self._gone.over()
            while not self._leaving.is_set() and not gone.is_set():
                connection.process_data_events(LOOK_SECONDS)
            if self._leaving.is_set():
                self._leave(connection, channel, ours)

    def _leave(self, connection: Any, channel: BlockingChannel, ours: str) -> None:
        channel.basic_cancel(ours)
        for held in self._work.give_back():
            for receipt in held.receipts:
                if receipt.channel == self._number:
                    self._replace(held.work.message, held.work.attempts, receipt.tag)
        while not self._closed.is_set():
            connection.process_data_events(LOOK_SECONDS)
        connection.process_data_events(0)

    def _arrived(self, number: int, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        """Take a message, or see at once that it is of no use."""
        try:
            message = self._checked(work_in(body))
        except ValueError as error:
            log.error("a message is thrown away: %s", error)
            return channel.basic_ack(method.delivery_tag)
        self._address(message.service_endpoint)
        known = self._work.what_is(message.file_id)
        attempts = _attempts(properties)
        if known is Arrival.DONE:
            channel.basic_ack(method.delivery_tag)
        elif method.redelivered and known is Arrival.NEW:
            self._replace(message, attempts + 1, method.delivery_tag)
        else:
            self._work.add(message, attempts, Receipt(number, method.delivery_tag))

    def _checked(self, message: WorkMessage) -> WorkMessage:
        if message.request_id != self._request_id:
            raise ValueError(f"it is about another transform, {message.request_id}")
        return message

    def _replace(self, message: WorkMessage, attempts: int, tag: int) -> None:
        """Put a message into the queue anew, with what is known of its attempts, and acknowledge the old one.

        A message that goes back as it is would be marked as one that came before, and nobody could tell how often.
        """
        assert self._channel is not None
        celery = transform_message(message)
        headers = {**celery.headers, ATTEMPTS: attempts}
        with self._channel.connection.channel() as apart:
            apart.confirm_delivery()
            properties = pika.BasicProperties(**celery.properties, headers=headers)
            apart.basic_publish("", self._queue, celery.body, properties)
        self._channel.basic_ack(tag)

    def _settle(self, receipts: Sequence[Receipt], reported: bool) -> None:
        """Have messages acknowledged, or come again; may be called from any thread."""
        channel = self._channel
        if channel is None:
            return  # the broker has them again since the connection was lost
        tags = [receipt.tag for receipt in receipts if receipt.channel == self._number]

        def settle() -> None:
            for tag in tags:
                if reported:
                    channel.basic_ack(tag)
                else:
                    channel.basic_nack(tag)
        with suppress(AMQPError):
            channel.connection.add_callback_threadsafe(settle)


class Absence:
    """For how long something is away, of at most `limit` seconds."""

    def __init__(self, limit: float):
        self._limit = limit
        self.began: float | None = None

    def noticed(self, words: str) -> None:
        """Note that it is away."""
        if self.began is None:
            log.warning("%s", words)
            self.began = time.monotonic()

    def over(self) -> None:
        """Note that it is there."""
        self.began = None

    @property
    def too_long(self) -> bool:
        """Whether it is away for longer than is waited."""
        return self.began is not None and time.monotonic() - self.began >= self._limit


def _attempts(properties: Any) -> int:
    """How many attempts were made elsewhere, as the message says."""
    said = (properties.headers or {}).get(ATTEMPTS, 0)
    return min(max(0, said), MOST_ATTEMPTS) if isinstance(said, int) else 0
