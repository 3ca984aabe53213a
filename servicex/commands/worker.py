"""`servicex-app worker`: what runs in a transformer's pod."""
import sys
from pathlib import Path

import click

from servicex.commands.plain_errors import plain_errors
from servicex.observability import set_up_logging
from servicex.services.submissions import OBJECT_STORE, VOLUME
from servicex.settings import load
from servicex.worker import isolation, process


@click.command()
@click.option("--request-id", required=True, help="The transform whose queue is served.")
@click.option("--program", required=True, type=click.Path(path_type=Path), help="The folder of the generated files.")
@click.option("--language", required=True, help="What the program is written in; only `python` can run here.")
@click.option("--command", required=True, help="The generated file that is run.")
@click.option("--result-format", required=True, help="The format of the results.")
@click.option("--destination", required=True, type=click.Choice([OBJECT_STORE, VOLUME]), help="Where results go.")
@click.option("--child-user", help="The number of the user whom programs run as, which needs root; or `same`, for "
                                   "programs that may know all this worker knows.")
@click.option("--x509", type=click.Path(path_type=Path), help="A grid proxy, of which programs get a copy.")
@click.option("--grace", default=30.0, show_default=True, type=click.FloatRange(0),
              help="How many seconds more a file may take when the worker is told to end.")
@click.option("--patience", default=60.0, show_default=True, type=click.FloatRange(0),
              help="How many seconds a queue that is gone is waited for.")
def worker(request_id: str, program: Path, language: str, command: str, result_format: str, destination: str,
           child_user: str | None, x509: Path | None, grace: float, patience: float) -> None:
    """Transform the files of one transform on a cluster.

    The addresses and keys of RabbitMQ and of the store come from the environment, by the names of the settings;
    POD_NAME and HOST_NAME say where this is.
    """
    with plain_errors():
        settings = load()
        set_up_logging(settings.LOG_LEVEL)
        sys.exit(process.run(settings, process.WorkerOptions(
            request_id, program, language, command, result_format, destination, isolation.child_user(child_user), x509,
            grace, patience)))
