"""What is refused before any route sees it: names this server does not have, and pages of other origins.

An embedded server without accounts runs code for whoever can reach it. A browser on the same machine reaches it, and
runs scripts of any page its user looks at. So: no CORS headers, JSON bodies only (a page cannot send one elsewhere
without asking first), the Host must be one of ours (a name made to point here is not), and what a browser marks
as coming from another site is refused, unless its origin was invited (see cors.py).
"""
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Flask, Response, request

from servicex.api.cors import Invited
from servicex.errors import Forbidden

# For a browser, another port of this machine is the same *site*, though another origin.
OWN_PAGES = ("none", "same-origin")
PROBES = ("/livez", "/readyz")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class Outside:
    """The names this server goes by, its address for browsers if it is told, and the pages it invites."""

    hosts: Iterable[str] = ()
    public_url: str = ""
    invited: Invited = field(default_factory=Invited)


def register(app: Flask, outside: Outside) -> None:
    """Refuse foreign hosts and foreign pages in front of every route."""
    own = {*outside.hosts, host_name(urlsplit(outside.public_url).netloc)}
    names = LOOPBACK | {name.lower() for name in own if name}

    @app.before_request
    def refuse_foreign() -> Response | None:
        if _probe(names):
            return Response("ServiceX is up.\n", mimetype="text/plain")
        if request.path in PROBES:  # a cluster asks by the pod's address
            return None
        check_host(request.headers.get("Host", ""), names)
        if not outside.invited.let_in():
            _check_origin(names, outside.public_url)
        return None


def _probe(names: Iterable[str]) -> bool:
    """Whether a foreign name is used for the root alone: pods wait by it for the server, under whatever name."""
    looks = request.path == "/" and request.method in ("GET", "HEAD")
    return looks and host_name(request.headers.get("Host", "")) not in names


def check_host(host: str, names: Iterable[str]) -> None:
    """Raise Forbidden unless the Host header names this server."""
    if host_name(host) not in names:
        raise Forbidden("This server does not go by that name. Use localhost, or have the name added to ALLOWED_HOSTS.")


def host_name(host: str) -> str:
    """The name in a Host header, without its port, in lower case; IPv6 addresses keep their brackets."""
    name, colon, port = host.strip().lower().rpartition(":")
    return name if colon and port.isdigit() else host.strip().lower()


def _check_origin(names: Iterable[str], public_url: str) -> None:
    if request.headers.get("Sec-Fetch-Site", "none") not in OWN_PAGES and not _plain_link():
        raise Forbidden("Pages of other sites may not use this server.")
    if public_url and request.headers.get("Origin") == public_url:
        return
    _check_source(request.headers.get("Origin"), names)
    if request.path.startswith("/servicex"):
        # Of older browsers only this tells which page asks, for instance by an image.
        _check_source(request.headers.get("Referer"), names)


def _check_source(url: str | None, names: Iterable[str]) -> None:
    """Raise Forbidden if the URL that a request comes from is not one of this server."""
    if url is None:
        return
    try:
        source = urlsplit(url).netloc
    except ValueError:
        source = ""
    if source != request.host or host_name(source) not in names:
        raise Forbidden("Pages of other origins may not use this server.")


def _plain_link() -> bool:
    """Whether a person followed a link to one of our pages: that only shows it, and changes nothing."""
    return (request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
            and not request.path.startswith("/servicex/"))
