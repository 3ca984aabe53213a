"""Addresses of this server as browsers know it."""
from flask import current_app, request, url_for

from servicex.api.auth import authentication
from servicex.api.guard import LOOPBACK, host_name


def public_url() -> str:
    """Where the server is to be had, without a slash at the end.

    Without PUBLIC_URL it is the name it was called by (which was checked), by https unless that is a loopback one or
    there are no accounts: who ends TLS in front of a server rarely tells it so.
    """
    configured: str = current_app.config["PUBLIC_URL"]
    if configured:
        return configured.rstrip("/")
    plain = host_name(request.host) in LOOPBACK or not authentication().enabled
    return f"{request.scheme if plain else 'https'}://{request.host}"


def public_url_for(endpoint: str) -> str:
    """The whole address of one of our pages."""
    return public_url() + url_for(endpoint)


def own_path(target: str | None) -> str | None:
    """The target if it is a path on this server that a browser reads as such; else None."""
    if not target or not target.startswith("/") or not target.isprintable() or "\\" in target:
        return None
    return None if target.startswith("//") else target
