"""The whole server in one process."""
import signal
from collections.abc import Callable
from typing import Any

import click

from servicex import create_app
from servicex.backends.bounded_http import is_loopback
from servicex.data_directory import locked
from servicex.database import held
from servicex.listening import address, bind
from servicex.migration import upgrade_alone
from servicex.models import db
from servicex.observability import set_up_logging
from servicex.processes.linux import hide
from servicex.settings import InvalidSettings, Settings
from servicex.wiring import make_default_users


def run(settings: Settings, host: str, port: int) -> None:
    """Run the embedded server in this process until it is interrupted or told to end. Raises InvalidSettings."""
    # From elsewhere, too, one can call a server localhost: only the address it listens on keeps others out.
    if settings.DEV_USERS and not is_loopback(host):
        raise InvalidSettings(f"DEV_USERS lets people in without a password, so the server must not listen on {host}. "
                              "Keep to 127.0.0.1, or take DEV_USERS away.")
    set_up_logging(settings.LOG_LEVEL)
    hide()  # users' programs run under the same user as the server
    interrupt_when_told()
    with locked(settings.DATA_DIRECTORY):
        app = create_app(settings)
        parts = app.extensions["servicex"]
        interrupt_when_told(parts.live.close)
        server = bind(app, host, port, settings.THREADS + settings.MOST_STREAMS)
        with app.app_context(), held(db.engine):
            upgrade_alone(db.engine)
            make_default_users(settings, parts.transactions)
            try:
                parts.start_alone()
                click.echo(f"ServiceX is up at {address(server, host)}  (stop it with Ctrl-C)", err=True)
                server.run()
            except KeyboardInterrupt:
                pass
            finally:
                parts.close()


def interrupt_when_told(first: Callable[[], None] = lambda: None) -> None:
    """Have SIGTERM end this process as Ctrl-C does; with either something is done first."""
    def interrupt(*_: Any) -> None:
        first()
        raise KeyboardInterrupt
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, interrupt)
