"""What every broker promises."""
import uuid

import pytest

from servicex.backends.broker.base import QueueGone, work_queue
from tests.broker.messages import work


@pytest.fixture
def queue(broker):
    name = work_queue(str(uuid.uuid4()))
    yield name
    broker.delete(name)


def test_declared_queue_is_empty_and_may_be_declared_again(broker, queue):
    broker.declare(queue)
    broker.publish(queue, [work(1)])
    broker.declare(queue)
    assert broker.depth(queue) == 1


def test_depth_counts_what_waits(broker, queue):
    broker.declare(queue)
    assert broker.depth(queue) == 0
    broker.publish(queue, [work(number) for number in range(1, 101)])
    broker.publish(queue, [])
    broker.publish(queue, [work(101)])
    assert broker.depth(queue) == 101


def test_queue_that_is_gone_has_no_depth_and_takes_nothing(broker, queue):
    assert broker.depth(queue) is None
    with pytest.raises(QueueGone):
        broker.publish(queue, [work(1)])
    assert broker.depth(queue) is None


def test_deleted_queue_loses_what_waited(broker, queue):
    broker.declare(queue)
    broker.publish(queue, [work(1)])
    broker.delete(queue)
    broker.delete(queue)
    assert broker.depth(queue) is None
    broker.declare(queue)
    assert broker.depth(queue) == 0


def test_queues_are_apart(broker, queue):
    other = queue + "-other"
    broker.declare(queue)
    broker.declare(other)
    broker.publish(queue, [work(1)])
    assert (broker.depth(queue), broker.depth(other)) == (1, 0)
    broker.delete(other)
    assert broker.depth(queue) == 1


def test_ping_returns(broker):
    broker.ping()
