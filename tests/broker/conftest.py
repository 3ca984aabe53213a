"""The brokers that the contract is run against."""
from collections.abc import Iterator

import pytest

from servicex.backends.broker.base import Broker
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.broker.rabbitmq import RabbitMqBroker


@pytest.fixture(params=["in_process", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Broker:
    return InProcessBroker() if request.param == "in_process" else request.getfixturevalue("rabbitmq_broker")


@pytest.fixture
def rabbitmq_broker(rabbitmq_url: str) -> Iterator[RabbitMqBroker]:
    broker = RabbitMqBroker(rabbitmq_url, seconds=30.0)
    yield broker
    broker.close()
