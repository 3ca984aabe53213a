"""`servicex-app transformers`: see the transformers on the cluster, and remove those that nobody wants."""
from collections.abc import Sequence

import click
from sqlalchemy import create_engine

from servicex import choices
from servicex.backends.launcher.base import Launcher
from servicex.commands.plain_errors import plain_errors
from servicex.services.control import ControlService
from servicex.services.transactions import Transactions
from servicex.settings import InvalidSettings, Settings, load


@click.group()
def transformers() -> None:
    """See and remove transformers on the cluster. Only those that carry this server's INSTANCE_NAME are looked at."""


@transformers.command("list")
def list_transformers() -> None:
    """List the transforms that have transformers: how many are ready of how many, what they do, and what is wrong."""
    with plain_errors():
        settings = load()
        launcher = _launcher(settings)
        active = _active(settings, there := launcher.request_ids())
        row = "{:<37} {:>9}  {:<30} {}"
        click.echo(row.format("transform", "ready", "states", "remarks"))
        for request_id in sorted(there):
            status = launcher.status(request_id)
            remarks = [] if request_id in active else ["not wanted: no such transform is running"]
            if status is None:
                click.echo(row.format(request_id, "", "", "; ".join([*remarks, "begun, not complete"])))
                continue
            states = ", ".join(f"{count} {state}" for state, count in sorted(status.states.items()))
            remarks += filter(None, [status.trouble, *status.notes])
            click.echo(row.format(request_id, f"{status.ready}/{status.workers}", states, "; ".join(remarks)))


@transformers.command()
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would be removed.")
def sweep(dry_run: bool) -> None:
    """Remove the transformers of transforms that are not running; the controller does the same every ten minutes."""
    with plain_errors():
        settings = load()
        launcher = _launcher(settings)
        there = launcher.request_ids()
        orphans = sorted(set(there) - _active(settings, there))
        for request_id in orphans:
            if not dry_run:
                launcher.stop(request_id)
            click.echo(f"{request_id}: {'would be removed' if dry_run else 'removed'}")
        click.echo(f"{len(orphans)} of {len(there)} transforms with transformers are not running.")


def _launcher(settings: Settings) -> Launcher:
    launcher = choices.cluster_launcher(settings)
    if launcher is None:
        raise InvalidSettings("TRANSFORMER_MANAGER_ENABLED is False: this server has no cluster.")
    return launcher


def _active(settings: Settings, request_ids: Sequence[str]) -> set[str]:
    return ControlService(Transactions(create_engine(settings.database_uri))).active(request_ids)
