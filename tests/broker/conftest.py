"""The brokers that the contract is run against."""
from collections.abc import Callable

import pytest

from servicex.backends.broker.base import Broker
from servicex.backends.broker.in_process import InProcessBroker

BROKERS: dict[str, Callable[[], Broker]] = {"in_process": InProcessBroker}


@pytest.fixture(params=sorted(BROKERS))
def broker(request: pytest.FixtureRequest) -> Broker:
    return BROKERS[request.param]()
