"""RabbitMQ stopped, killed, silent and full, in the middle of work: every call ends, and what follows goes well."""
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from servicex.backends.broker.base import QueueGone, work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from servicex.errors import Unavailable
from tests.broker.messages import work
from tests.private_rabbitmq import PrivateRabbitMq

FULL = "vm_memory_high_watermark.absolute = 1MB"
QUEUE = work_queue(str(uuid.uuid4()))
SECONDS = 60.0


@pytest.fixture
def broker(rabbitmq: PrivateRabbitMq) -> Iterator[RabbitMqBroker]:
    """A broker that does not wait long; afterwards its RabbitMQ is as it was."""
    broker = RabbitMqBroker(rabbitmq.url, seconds=3.0, connect_seconds=3.0)
    yield broker
    broker.close()


def patiently(call: Callable[[], object]) -> None:
    """Call until RabbitMQ is there."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            call()
            return
        except Unavailable:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_restart_takes_the_work_queues_and_keeps_lookups(broker: RabbitMqBroker, rabbitmq: PrivateRabbitMq) -> None:
    patiently(lambda: broker.declare(QUEUE))
    patiently(lambda: broker.publish_lookup("kept", "a", 1, "http://servicex/"))
    rabbitmq.restart()
    patiently(broker.ping)
    assert broker.depth(QUEUE) is None
    with pytest.raises(QueueGone):
        broker.publish(QUEUE, [work(1)])
    assert broker.depth("did_finder_kept") == 1
    broker.delete("did_finder_kept")


def test_killed_while_publishing(broker: RabbitMqBroker, rabbitmq: PrivateRabbitMq) -> None:
    """No thread is told that all is well after the kill, none waits for ever, and there is no other error."""
    patiently(lambda: broker.declare(QUEUE))
    messages = [work(n) for n in range(1, 501)]
    began = threading.Event()

    def publish() -> str:
        while True:
            try:
                broker.publish(QUEUE, messages)
            except Unavailable as error:
                return error.message
            began.set()

    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(publish) for _ in range(3)]
        assert began.wait(SECONDS)
        rabbitmq.kill()
        told = [answer.result(SECONDS) for answer in answers]
        before = time.monotonic()
        with pytest.raises(Unavailable):
            broker.ping()
        assert time.monotonic() - before < 30
        rabbitmq.start()
    assert all("RabbitMQ" in words for words in told)
    patiently(lambda: broker.declare(QUEUE))
    broker.publish(QUEUE, messages)
    assert broker.depth(QUEUE) == 500
    broker.delete(QUEUE)


def test_silent_broker_is_not_waited_for(broker: RabbitMqBroker, rabbitmq: PrivateRabbitMq) -> None:
    patiently(lambda: broker.declare(QUEUE))
    rabbitmq.pause()
    try:
        with pytest.raises(Unavailable, match="did not answer within 3 seconds"):
            broker.publish(QUEUE, [work(1)])
        with pytest.raises(Unavailable, match="RabbitMQ at .* failed: .*Timeout"):
            RabbitMqBroker(rabbitmq.url, connect_seconds=1.0).ping()
    finally:
        rabbitmq.resume()
    patiently(lambda: broker.delete(QUEUE))


def test_full_broker_takes_nothing_and_says_so(broker: RabbitMqBroker, rabbitmq: PrivateRabbitMq) -> None:
    rabbitmq.stop()
    rabbitmq.options = FULL
    try:
        rabbitmq.start()
        patiently(lambda: broker.declare(QUEUE))
        for _ in range(2):
            with pytest.raises(Unavailable, match="short of memory"):
                broker.publish(QUEUE, [work(1)])
    finally:
        rabbitmq.options = ""
        rabbitmq.restart()
    patiently(lambda: broker.declare(QUEUE))
    broker.publish(QUEUE, [work(1)])
    broker.delete(QUEUE)
