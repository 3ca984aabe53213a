"""The consumer's side of the broker in memory."""
import threading

from servicex.backends.broker.in_process import InProcessBroker
from tests.broker.messages import work


def test_messages_are_taken_in_order_and_once():
    broker = InProcessBroker()
    broker.declare("q")
    broker.publish("q", [work(1), work(2)])
    assert [broker.take("q"), broker.take("q"), broker.take("q")] == [work(1), work(2), None]
    assert broker.take("no such queue") is None


def test_listener_is_called_after_the_messages_are_there():
    broker = InProcessBroker()
    broker.declare("q")
    depths = []
    broker.on_publish(lambda: depths.append(broker.depth("q")))
    broker.publish("q", [work(1), work(2)])
    assert depths == [2]


def test_threads_share_a_queue_without_loss_or_repetition():
    broker = InProcessBroker()
    broker.declare("q")
    taken: list[int] = []

    def publish(start: int) -> None:
        for number in range(start, start + 500):
            broker.publish("q", [work(number)])

    def take() -> None:
        while len(taken) < 1000:
            message = broker.take("q")
            if message is not None:
                taken.append(message.file_id)

    threads = [threading.Thread(target=publish, args=(start,)) for start in (1, 501)]
    threads += [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(taken) == list(range(1, 1001))
