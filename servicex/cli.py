"""The command `servicex-app`."""
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import click
from flask.cli import ScriptInfo

from servicex import create_app, embedded, reference
from servicex.backends.bounded_http import is_loopback
from servicex.commands.database import database
from servicex.commands.plain_errors import plain_errors
from servicex.commands.queues import queues
from servicex.commands.serve import serve
from servicex.commands.sign_in import sign_in
from servicex.commands.transformers import transformers
from servicex.commands.users import user
from servicex.commands.worker import worker
from servicex.errors import ServiceXError
from servicex.observability import set_up_logging
from servicex.settings import load
from servicex.wiring import app_version


@click.group()
@click.version_option(app_version(), prog_name="servicex-app")
@click.pass_context
def cli(context: click.Context) -> None:
    """The ServiceX server."""
    context.obj = ScriptInfo(create_app=create_app)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535),
              help="The port to listen on; 0 takes a free one.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False),
              help="The folder for database, results and secret.  [default: .servicex-data]")
@click.option("--workers", type=click.IntRange(1, 1024), help="How many files at once.  [default: the cores]")
@click.option("--allow-path", "allow_paths", multiple=True, type=click.Path(path_type=Path),
              help="A folder below which local files may be read; may be given several times.  [default: .]")
@click.option("--allow-host", "allow_hosts", multiple=True,
              help="A name the server may be called by besides localhost; may be given several times.")
@click.option("--insecure", is_flag=True,
              help="Listen on other addresses than loopback, though anybody who reaches them can run code here.")
def up(host: str, port: int, data: Path | None, workers: int | None, allow_paths: tuple[Path, ...],
       allow_hosts: tuple[str, ...], insecure: bool) -> None:
    """Run the whole server on this machine: API, database, workers, results, until it is interrupted."""
    given = {"DATA_DIRECTORY": data, "WORKERS": workers, "ALLOWED_PATHS": list(allow_paths) or None,
             "ALLOWED_HOSTS": list(allow_hosts) + _own_name(host) or None}
    with plain_errors():
        chosen = load(**{name: value for name, value in given.items() if value is not None})
        _check_address(host, insecure or chosen.ENABLE_AUTH)
        _check_folders(chosen.ALLOWED_PATHS)
        embedded.run(chosen, host, port)


def _check_address(host: str, insecure: bool) -> None:
    if not insecure and not is_loopback(host):
        raise ServiceXError(f"Listening on {host} would let anybody who reaches it run code on this machine, since "
                            "there are no accounts (ENABLE_AUTH). Keep to 127.0.0.1, or add --insecure if only "
                            "people you trust reach it.")


def _check_folders(allowed: Sequence[Path]) -> None:
    for path in allowed:
        if not path.is_dir():
            raise ServiceXError(f"{path} is no folder. --allow-path (the setting ALLOWED_PATHS) names folders below "
                                "which files may be read.")


def _own_name(host: str) -> list[str]:
    """The address listened on, as a name by which the server may be called; none if it is that of all addresses."""
    if is_loopback(host) or host in ("0.0.0.0", "::"):
        return []
    return [f"[{host}]" if ":" in host else host]


@cli.command()
def controller() -> None:
    """Run a controller beside the processes that answer requests, until it is told to end; several may run."""
    with plain_errors():
        chosen = load()
        set_up_logging(chosen.LOG_LEVEL)
        app = create_app(chosen)
        parts = app.extensions["servicex"]
        embedded.interrupt_when_told()
        with app.app_context():
            parts.start_controller()
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                pass
            finally:
                parts.close()


@cli.command()
def settings() -> None:
    """Describe every setting."""
    click.echo(reference.settings_page(), nl=False)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document of the REST API."""
    click.echo(json.dumps(reference.openapi_document(), indent=1))


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def docs(folder: Path) -> None:
    """Write the reference pages (settings, commands, API) into a folder."""
    for name, text in reference.pages(cli).items():
        (folder / name).write_text(text)


cli.add_command(database)
cli.add_command(queues)
cli.add_command(serve)
cli.add_command(sign_in)
cli.add_command(transformers)
cli.add_command(user)
cli.add_command(worker)


if __name__ == "__main__":
    cli()
