"""`servicex-app user` and `flask user`: accounts and their tokens, for whoever runs the server."""
import click
from flask import current_app
from flask.cli import AppGroup

from servicex.api.auth import authentication
from servicex.commands.plain_errors import plain_errors
from servicex.errors import NotFound
from servicex.models import User
from servicex.services.accounts import AccountService, Profile
from servicex.services.caller import COMMAND_LINE

user = AppGroup("user", help="Make, list and approve accounts, and hand out their tokens.")


@user.command()
@click.argument("sub")
@click.argument("email")
@click.argument("name")
@click.argument("institution")
@click.option("--approved", is_flag=True, help="Let them in at once.")
def create(sub: str, email: str, name: str, institution: str, approved: bool) -> None:
    """Make an account. SUB is what the identity provider calls the person; EMAIL must be known to be theirs."""
    with plain_errors():
        made = _accounts().create(COMMAND_LINE, sub, Profile(name, email, institution), approved)
        click.echo(f"User {sub} created, {_state(made)}")


@user.command("list")
def list_users() -> None:
    """List the accounts."""
    click.echo("Sub, Email, Name, Institution, Pending?")
    with plain_errors():
        for found in _accounts().all():
            click.echo(f"{found.sub}, {found.email}, {found.name}, {found.institution}, {_state(found).capitalize()}")


@user.command()
@click.argument("sub")
def approve(sub: str) -> None:
    """Approve an account."""
    with plain_errors():
        found = _accounts().of_sub(sub)
        if found is None:
            return click.echo(f"User {sub} not found")
        if not found.pending:
            return click.echo(f"User {sub} already approved")
        _accounts().approve_id(COMMAND_LINE, found.id)
        click.echo(f"User {sub} approved")


@user.command()
@click.argument("sub")
@click.option("--revoke", is_flag=True, help="Have them be one no more.")
def admin(sub: str, revoke: bool) -> None:
    """Make somebody an administrator."""
    with plain_errors():
        _accounts().set_admin(COMMAND_LINE, _known(sub).id, not revoke)
        click.echo(f"User {sub} is {'no longer ' if revoke else ''}an administrator")


@user.command()
@click.argument("sub")
@click.option("--name", default="command line", show_default=True, help="What the token is called in lists.")
def token(sub: str, name: str) -> None:
    """Print a new API token of somebody, for `token:` in their servicex.yaml. It cannot be shown again."""
    with plain_errors():
        click.echo(authentication().new_api_token(COMMAND_LINE, _known(sub), name))


def _accounts() -> AccountService:
    accounts: AccountService = current_app.extensions["servicex"].accounts
    return accounts


def _known(sub: str) -> User:
    found = _accounts().of_sub(sub)
    if found is None:
        raise NotFound(f"User {sub} not found")
    return found


def _state(found: User) -> str:
    return "pending" if found.pending else "approved"
