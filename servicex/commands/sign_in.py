"""`servicex-app sign-in`: a token for this machine from a server elsewhere, let in by a person in a browser."""
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import requests

from servicex.commands.plain_errors import plain_errors
from servicex.errors import ServiceXError

TIMEOUT = (10, 30)
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# What the server answers as long as nobody has decided (RFC 8628, 3.5), and by how many seconds to slow down.
WAIT, SLOW_DOWN, SLOWER = "authorization_pending", "slow_down", 5


class SignInFailed(ServiceXError):
    """Raised when the server gives no token, in its own words."""


@click.command("sign-in")
@click.argument("server")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), default=Path("servicex.yaml"),
              show_default=True, help="What to write.")
@click.option("--force", is_flag=True, help="Write it though it is there already.")
def sign_in(server: str, file: Path, force: bool) -> None:
    """Get a token from the server at that address, and write the servicex.yaml that the client reads."""
    with plain_errors():
        base = _checked(server)
        if file.exists() and not force:
            raise SignInFailed(f"{file} is there already. Use --force to replace it, or --file to write another one.")
        generators = _answer(_ask("GET", f"{base}/servicex"))["code-gen-image"]
        token = _token(base)
        _write(file, _entries(base, token, generators))
    click.echo(f"Wrote {file}.")


def _checked(server: str) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SignInFailed(f"{server} is no address of a server; it should be like https://servicex.example.org")
    return server.rstrip("/")


def _token(base: str) -> str:
    codes = _answer(_ask("POST", f"{base}/device/code", client_name=f"servicex-app on {os.uname().nodename}"[:120]))
    click.echo(f"Open {codes['verification_uri']} in a browser and type in the code {codes['user_code']}")
    pause, end = float(codes["interval"]), time.monotonic() + float(codes["expires_in"])
    while time.monotonic() < end:
        time.sleep(pause)
        answer = _ask("POST", f"{base}/device/token", grant_type=GRANT, device_code=codes["device_code"])
        error = answer.json().get("error") if answer.status_code == 400 else None
        if error == SLOW_DOWN:
            pause += SLOWER
        elif error != WAIT:
            return str(_answer(answer)["refresh_token"])
    raise SignInFailed("Nobody let this program in in time. Begin anew.")


def _ask(method: str, url: str, **form: str) -> requests.Response:
    try:
        return requests.request(method, url, data=form, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise SignInFailed(f"{url} cannot be reached: {type(error).__name__}") from error


def _answer(response: requests.Response) -> Any:
    try:
        body = response.json()
    except requests.JSONDecodeError as error:
        raise SignInFailed(f"{response.url} answered {response.status_code}, and not as a ServiceX server.") from error
    if not response.ok:
        raise SignInFailed(str(body.get("message", response.status_code)))
    return body


def _entries(base: str, token: str, generators: dict[str, str]) -> str:
    return "api_endpoints:\n" + "".join(
        f"  - name: {json.dumps(name)}\n    endpoint: {json.dumps(base + '/')}\n    token: {json.dumps(token)}\n"
        f"    codegen: {json.dumps(name)}\n    return_data: root-file\n" for name in generators)


def _write(file: Path, text: str) -> None:
    """Write it so that nobody else may read it."""
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
