"""The faults that are injected, one at a time; after each, what was broken comes back, as it does at a facility."""
import random
import time
from collections.abc import Callable

from tests.facility import RESTART_SECONDS, Facility


def kill_the_api(facility: Facility) -> None:
    """All processes of the API at once."""
    facility.api.kill()
    time.sleep(RESTART_SECONDS)
    facility.api.start()


def kill_an_api_process(facility: Facility) -> None:
    """One of the two processes of the API."""
    facility.api.kill_a_child()


def kill_a_controller(facility: Facility) -> None:
    """One of the two controllers, perhaps the one at work."""
    controller = random.choice(facility.controllers)
    controller.kill()
    time.sleep(RESTART_SECONDS)
    controller.start()


def kill_a_transformer(facility: Facility) -> None:
    """One transformer: what it had in hand is delivered to another."""
    transformer = random.choice(facility.transformers)
    transformer.kill()
    transformer.start()


def kill_all_transformers(facility: Facility) -> None:
    """All transformers: the queue vanishes with the last of them, and with it what waited."""
    for transformer in facility.transformers:
        transformer.kill()
    time.sleep(RESTART_SECONDS)
    for transformer in facility.transformers:
        transformer.start()


def restart_rabbitmq(facility: Facility) -> None:
    """RabbitMQ: all connections drop, and the work queue is gone."""
    facility.rabbitmq.restart()


def kill_postgres(facility: Facility) -> None:
    """PostgreSQL, as by a power cut."""
    facility.postgres.kill()
    time.sleep(RESTART_SECONDS)
    facility.postgres.start()


def drop_connections(facility: Facility) -> None:
    """All connections to the database, in the middle of whatever is on them."""
    facility.query("select pg_terminate_backend(pid) from pg_stat_activity "
                   "where pid <> pg_backend_pid() and datname = current_database()")


# The cheap ones come more often than those that take seconds.
FAULTS: dict[Callable[[Facility], None], int] = {
    kill_an_api_process: 4, kill_the_api: 2, kill_a_controller: 3, kill_a_transformer: 4, kill_all_transformers: 3,
    restart_rabbitmq: 1, kill_postgres: 1, drop_connections: 4}


def each_once(chance: random.Random) -> list[Callable[[Facility], None]]:
    """Every fault there is, in some order."""
    return chance.sample(list(FAULTS), len(FAULTS))


def some(chance: random.Random, count: int) -> list[Callable[[Facility], None]]:
    """So many faults, the cheap ones more often."""
    return chance.choices(list(FAULTS), list(FAULTS.values()), k=count)
