"""How a command ends when something is wrong that its user can mend."""
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from servicex.errors import ServiceXError


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the program with the message alone where one of our errors says all there is to say."""
    try:
        yield
    except (ServiceXError, OSError) as error:
        click.echo(f"servicex-app: {error}", err=True)
        sys.exit(1)
