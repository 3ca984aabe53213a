"""What an operator sees: log lines."""
import logging
import re
import sys

LINE = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"

# What must not stand in a log, each with what stands there in its place.
SECRETS = (
    # The address of a callback is opened by the part between these two, unless the address is without.
    (re.compile(r"""(/servicex/+internal/+)(?!transformation/)[^/\s"']+"""), r"\1[token]"),
    (re.compile(r"""(\bauthorization["']?\s*[:=]\s*["']?(?:[a-z]+\s+)?)[^\s"',]+""", re.IGNORECASE), r"\1[hidden]"),
    (re.compile(r"(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"""([?&](?:code|state|(?:\w+_)?token)=)[^&\s"'#]+""", re.IGNORECASE), r"\1[hidden]"),
    (re.compile(r"""(hooks\.slack\.com/)[^\s"']+"""), r"\1[hidden]"),
)


class Redacting(logging.Formatter):
    """Writes lines as another formatter does, without the secrets in them."""

    def __init__(self, inner: logging.Formatter):
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line, traces included."""
        line = self._inner.format(record)
        for secret, shown in SECRETS:
            line = secret.sub(shown, line)
        return line


def redact_secrets() -> None:
    """Hide secrets in all that is logged through the handlers there are now, such as a WSGI server's own."""
    others = (logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger))
    for logger in (logging.root, *others):
        for handler in logger.handlers:
            if not isinstance(handler.formatter, Redacting):
                handler.setFormatter(Redacting(handler.formatter or logging.Formatter()))


def set_up_logging(level: str) -> None:
    """Write log lines of that level and above to stderr."""
    logging.basicConfig(stream=sys.stderr, level=level, format=LINE, force=True)
    redact_secrets()
    # SQL and the server's own chatter are of use only to those who ask for them.
    for chatty in ("sqlalchemy.engine", "waitress.queue", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
