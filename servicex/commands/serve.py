"""`servicex-app serve`: what a container runs."""
import sys

import click

from servicex import choices, embedded
from servicex.commands.plain_errors import plain_errors
from servicex.migration import engine_for, upgrade, wait_for
from servicex.observability import set_up_logging
from servicex.services.transactions import Transactions
from servicex.settings import Settings, load
from servicex.supervisor import supervise
from servicex.wiring import make_default_users

# A request that takes longer has a thread that hangs: only then is a worker of gunicorn taken for dead.
WORKER_SECONDS = 120
# The last of the time to shut down is for what is killed because it did not end.
KILLING_SECONDS = 3.0
# How many connections wait for their next request beside those that have a thread.
MOST_IDLE = 1000


@click.command()
@click.option("--host", default="0.0.0.0", show_default=True, help="The address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
def serve(host: str, port: int) -> None:
    """Run the server as a container does, until it is told to end (SIGTERM).

    On PostgreSQL: wait for the database, migrate it, then run gunicorn and a controller; if one of them ends, both do.
    On SQLite: everything in this process, as `servicex-app up`. Unless told otherwise it listens on all addresses; as
    long as ENABLE_AUTH is False, anybody who reaches them can run code here.
    """
    with plain_errors():
        settings = load()
        if settings.embedded:
            embedded.run(settings, host, port)
        else:
            sys.exit(_serve(settings, host, port))


def _serve(settings: Settings, host: str, port: int) -> int:
    set_up_logging(settings.LOG_LEVEL)
    choices.check(settings)
    engine = engine_for(settings.database_uri)
    wait_for(engine, settings.DATABASE_WAIT_SECONDS)
    upgrade(engine, settings.DATABASE_WAIT_SECONDS)
    make_default_users(settings, Transactions(engine))
    return supervise({"gunicorn": gunicorn(settings, host, port), "the controller": program("controller")},
                     settings.SHUTDOWN_SECONDS)


def gunicorn(settings: Settings, host: str, port: int) -> list[str]:
    """The command that answers requests."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    graceful = max(1, int(settings.SHUTDOWN_SECONDS - KILLING_SECONDS))
    # Made when they are wanted first, and most of them sleep; how many requests are at work at once is for the app.
    threads = settings.THREADS + settings.MOST_STREAMS
    return [sys.executable, "-m", "gunicorn", "--bind", address,
            "--worker-class", "servicex.gunicorn_worker.StreamingWorker",
            "--workers", str(settings.GUNICORN_WORKERS), "--threads", str(threads),
            "--worker-connections", str(threads + MOST_IDLE),
            "--timeout", str(WORKER_SECONDS), "--graceful-timeout", str(graceful),
            "--access-logfile", "-", "--error-logfile", "-",
            "--forwarded-allow-ips", "",  # whose headers are believed is for TRUSTED_PROXIES to say
            "--no-control-socket",  # it would be one for all servers of this user
            "servicex.app:app"]


def program(command: str) -> list[str]:
    """Another command of ours."""
    return [sys.executable, "-m", "servicex.cli", command]
