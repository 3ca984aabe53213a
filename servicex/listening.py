"""The embedded server's HTTP port: waitress, with its own refusals in the shape of all our errors."""
import errno
import json
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask

from servicex.errors import ServiceXError

# Up to this a body is read whole, so that the app can refuse it in its own words; beyond, waitress cuts it off.
LARGEST_BODY_READ = 2 ** 30
# What a connection's client is slow to take, in bytes; then whoever makes it waits. A local file does not count.
MOST_UNSENT = 2 ** 21
# How many connections wait for their next request beside those that have a thread.
MOST_IDLE = 1000


class CannotListen(ServiceXError):
    """Raised when the address to listen on is taken, unknown or not to be had."""


class JsonErrorTask(ErrorTask):
    """Answers a request that waitress itself refuses: too large, malformed, or given up by the app."""

    def execute(self) -> None:
        """Write the answer."""
        error = self.request.error
        body = json.dumps({"message": f"{error.reason}: {error.body}"}).encode() + b"\n"
        error.to_response = lambda ident=None: (
            f"{error.code} {error.reason}",
            [("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff")], body)
        super().execute()


class StrictParser(HTTPRequestParser):
    """Refuses what waitress would fall over: a length of more digits than Python reads as a number."""

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the request line and the headers. Raises ParsingError, which is answered with 400."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("A header is invalid") from error


class JsonChannel(HTTPChannel):
    """A connection whose errors are JSON."""

    error_task_class = JsonErrorTask
    parser_class = StrictParser


def bind(app: Flask, host: str, port: int, threads: int) -> Any:
    """A server that listens, and answers once its `run` is called. Raises CannotListen."""
    BaseWSGIServer.channel_class = JsonChannel
    try:
        return create_server(app, host=host, port=port, threads=threads, ident=None,
                             connection_limit=threads + MOST_IDLE,
                             # Reads on, so that a client which goes away is noticed while it is waited for.
                             channel_request_lookahead=1,
                             asyncore_use_poll=True, max_request_body_size=LARGEST_BODY_READ,
                             outbuf_high_watermark=MOST_UNSENT,
                             # Whose headers are believed is for TRUSTED_PROXIES to say.
                             clear_untrusted_proxy_headers=False)
    except ValueError as error:
        raise CannotListen(f"Cannot listen on {host}: no address of that name is known.") from error
    except OSError as error:
        raise CannotListen(_why_not(error, host, port)) from error


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (f"Port {port} of {host} is taken by another program. Choose another one with --port "
                "(make run PORT=...); 0 takes a free one.")
    return f"Cannot listen on port {port} of {host}: {error.strerror or error}."


def address(server: Any, host: str) -> str:
    """The URL at which the server is to be had."""
    port = server.effective_port if hasattr(server, "effective_port") else server.effective_listen[0][1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
