"""`servicex-app queues`: see and remove queues in RabbitMQ."""
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click
from sqlalchemy import create_engine

from servicex.backends.broker.celery_message import finder_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from servicex.commands.plain_errors import plain_errors
from servicex.services.control import ControlService
from servicex.services.transactions import Transactions
from servicex.settings import InvalidSettings, Settings, load

days_option = click.option("--days", default=7.0, show_default=True, type=click.FloatRange(0, 36500),
                           help="How long ago a transform may have ended to be looked at.")


@click.group()
def queues() -> None:
    """See and remove queues in RabbitMQ. RABBIT_MQ_URL says where it is."""


@queues.command("list")
@days_option
def list_queues(days: float) -> None:
    """List the queues of finders and transforms: what waits in them, and how many consumers they have."""
    with plain_errors():
        settings = load()
        with _broker(settings) as broker:
            _print_table(broker, _known_queues(settings, days))


@queues.command()
@click.argument("names", metavar="[QUEUE]...", nargs=-1)
@click.option("--orphans", is_flag=True, help="Remove the queues of transforms that have ended.")
@days_option
def purge(names: tuple[str, ...], orphans: bool, days: float) -> None:
    """Remove the queues named, with what waits in them. What a running transform loses is published again."""
    if not names and not orphans:
        raise click.UsageError("Name the queues to be removed, or give --orphans.")
    with plain_errors():
        settings = load()
        with _broker(settings) as broker:
            for name in (*names, *(_orphans(settings, days) if orphans else ())):
                _remove(broker, name)


def _print_table(broker: RabbitMqBroker, known: dict[str, str]) -> None:
    row = "{:<50} {:>9} {:>9}  {}"
    click.echo(row.format("queue", "ready", "consumers", "of"))
    for name, owner in known.items():
        state = broker.state(name)
        if state is not None:
            click.echo(row.format(name, state.waiting, state.consumers, owner))


def _remove(broker: RabbitMqBroker, name: str) -> None:
    state = broker.state(name)
    if state is None:
        return click.echo(f"{name}: not there")
    broker.delete(name)
    click.echo(f"{name}: removed, with {state.waiting} messages")


def _known_queues(settings: Settings, days: float) -> dict[str, str]:
    """The names of the queues that may be there, and whose they are. RabbitMQ itself lists none over AMQP."""
    control = _control(settings)
    names = {finder_queue(scheme): "DID finder" for scheme in control.schemes()}
    work = control.work_queues(timedelta(days=days))
    return names | {name: f"transform, {status.text}" for name, status in work.items()}


def _orphans(settings: Settings, days: float) -> list[str]:
    """The queues of transforms that have ended, as far as they are there."""
    work = _control(settings).work_queues(timedelta(days=days))
    return [name for name, status in work.items() if status.terminal]


def _control(settings: Settings) -> ControlService:
    return ControlService(Transactions(create_engine(settings.database_uri)))


@contextmanager
def _broker(settings: Settings) -> Iterator[RabbitMqBroker]:
    if not settings.RABBIT_MQ_URL:
        raise InvalidSettings("RABBIT_MQ_URL is not set. Without it the queues are in the server's memory.")
    broker = RabbitMqBroker(settings.RABBIT_MQ_URL)
    try:
        yield broker
    finally:
        broker.close()
