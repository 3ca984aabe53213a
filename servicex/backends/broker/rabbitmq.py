"""The broker of the production mode: RabbitMQ, with the queues that transformers and DID finders declare as well."""
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pika
from pika.channel import Channel
from pika.exceptions import ChannelClosedByBroker
from pika.spec import Basic

from servicex.backends.broker.base import Broker, QueueGone, QueueState, WorkMessage
from servicex.backends.broker.celery_message import (CANCEL_EXCHANGE, CeleryMessage, cancel_message, finder_queue,
                                                     lookup_message, transform_message)
from servicex.backends.broker.rabbitmq_connection import Connection
from servicex.backends.broker.rabbitmq_link import settle
from servicex.errors import Unavailable

NOT_FOUND = 404
# Seconds in which workers that are told to leave a queue usually do.
LEAVING = 1.0
LOOKING_AGAIN = 0.05


class RabbitMqBroker(Broker):
    """The queues of one RabbitMQ, or of the first that answers of several.

    Connects when it is first used. No call takes longer than `connect_seconds` for each URL and `seconds` for each
    question it asks, of which there are at most four. Raises InvalidSettings for an unfit URL.
    """

    def __init__(self, urls: str | Sequence[str], seconds: float = 15.0, connect_seconds: float = 5.0):
        self._connection = Connection(urls, seconds, connect_seconds)

    def declare(self, queue: str) -> None:
        self._ask(Channel.queue_declare, queue=queue, durable=False, auto_delete=True)

    def publish(self, queue: str, messages: Sequence[WorkMessage]) -> None:
        self._publish("", queue, [transform_message(message) for message in messages])

    def publish_lookup(self, scheme: str, did: str, dataset_id: int, endpoint: str) -> None:
        """Ask the DID finder of a scheme for a dataset; waits in its queue until there is such a finder.

        `did` is without its scheme; `endpoint` ends in a slash. Raises Unavailable.
        """
        queue = finder_queue(scheme)
        self._ask(Channel.exchange_declare, exchange=queue, exchange_type="direct", durable=True)
        self._ask(Channel.queue_declare, queue=queue, durable=True)
        self._ask(Channel.queue_bind, queue=queue, exchange=queue, routing_key=queue)
        try:
            self._publish("", queue, [lookup_message(scheme, did, dataset_id, endpoint)])
        except QueueGone:
            raise Unavailable(f"The queue {queue} was deleted a moment ago.") from None

    def state(self, queue: str) -> QueueState | None:
        """What is in the queue and at it; None if there is no such queue. Raises Unavailable."""
        try:
            declared = self._call(_asking(Channel.queue_declare, queue=queue, passive=True))
        except ChannelClosedByBroker as refusal:
            if refusal.reply_code == NOT_FOUND:
                return None
            raise _refused(refusal) from None
        return QueueState(declared.method.message_count, declared.method.consumer_count)

    def delete(self, queue: str) -> None:
        """Remove the queue and what waits in it; does nothing if it is not there.

        Workers are told to leave first: one that loses its queue connects anew, and makes the queue again.
        """
        state = self.state(queue)
        if state is not None and state.consumers:
            self._send_away(queue)
        if state is not None:
            self._ask(Channel.queue_delete, queue=queue)

    def ping(self) -> None:
        self._call(lambda channel, done: settle(done, None))

    def close(self) -> None:
        """End the connection; returns before that has happened."""
        self._connection.close()

    def _send_away(self, queue: str) -> None:
        try:
            self._publish(CANCEL_EXCHANGE, "", [cancel_message(queue, int(time.time()) + 60)])
        except QueueGone:
            return  # consumers that are no Celery workers
        deadline = time.monotonic() + LEAVING
        while time.monotonic() < deadline and (state := self.state(queue)) and state.consumers:
            time.sleep(LOOKING_AGAIN)

    def _ask(self, method: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return self._call(_asking(method, **arguments))
        except ChannelClosedByBroker as refusal:
            raise _refused(refusal) from None

    def _publish(self, exchange: str, routing_key: str, messages: Sequence[CeleryMessage]) -> None:
        """Publish, and return when all is in a queue for certain.

        Raises QueueGone if the broker had none, and Unavailable if it did not say, so that some may be there.
        """
        if not messages:
            return
        try:
            self._call(Publication(exchange, routing_key, messages).begin)
        except ChannelClosedByBroker as refusal:
            if refusal.reply_code == NOT_FOUND:
                raise QueueGone(routing_key) from None
            raise _refused(refusal) from None

    def _call(self, begin: Callable[[Channel, "Future[Any]"], None]) -> Any:
        return self._connection.call(begin)


class Publication:
    """Messages on their way, on a channel of their own: what comes back on it is about them alone.

    RabbitMQ confirms what it could not put into any queue as well, but has returned it before.
    """

    def __init__(self, exchange: str, routing_key: str, messages: Sequence[CeleryMessage]):
        self._exchange = exchange
        self._routing_key = routing_key
        self._messages = messages
        self._open = OrderedDict.fromkeys(range(1, len(messages) + 1))
        self._returned = False
        self._done: Future[Any] = Future()

    def begin(self, channel: Channel, done: "Future[Any]") -> None:
        """Publish everything; `done` when all is confirmed. It has QueueGone if anything came back."""
        self._done = done
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_answer, callback=lambda _: self._send(channel))

    def _send(self, channel: Channel) -> None:
        try:
            for message in self._messages:
                properties = pika.BasicProperties(**message.properties, headers=dict(message.headers))
                channel.basic_publish(self._exchange, self._routing_key, message.body, properties, mandatory=True)
        except Exception as error:  # raised in the thread of the connection, it would end that for everybody
            settle(self._done, error)

    def _on_return(self, *_: Any) -> None:
        self._returned = True

    def _on_answer(self, frame: Any) -> None:
        if isinstance(frame.method, Basic.Nack):
            return settle(self._done, Unavailable("RabbitMQ did not take all messages."))
        self._confirmed(frame.method.delivery_tag, frame.method.multiple)
        if not self._open:
            settle(self._done, QueueGone(self._routing_key) if self._returned else None)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        self._open.pop(tag, None)
        while multiple and self._open and next(iter(self._open)) < tag:
            self._open.popitem(last=False)


def _asking(method: Callable[..., Any], **arguments: Any) -> Callable[[Channel, "Future[Any]"], None]:
    """Begins a method of the channel that has one answer."""
    return lambda channel, done: method(channel, **arguments, callback=lambda answer: settle(done, answer))


def _refused(refusal: ChannelClosedByBroker) -> Unavailable:
    return Unavailable(f"RabbitMQ refused: {refusal.reply_text}")
