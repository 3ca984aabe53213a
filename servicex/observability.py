"""What an operator sees: log lines."""
import logging
import re
import sys

LINE = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"

# What stands in the address of a callback opens it: the part between these two, unless the address is without.
TOKEN = re.compile(r"""(/servicex/+internal/+)(?!transformation/)[^/\s"']+""")


class Redacting(logging.Formatter):
    """Writes lines as another formatter does, without the tokens in them."""

    def __init__(self, inner: logging.Formatter):
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line, traces included."""
        return TOKEN.sub(r"\1[token]", self._inner.format(record))


def redact_tokens() -> None:
    """Hide tokens in all that is logged through the handlers there are now, such as a WSGI server's own."""
    others = (logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger))
    for logger in (logging.root, *others):
        for handler in logger.handlers:
            if not isinstance(handler.formatter, Redacting):
                handler.setFormatter(Redacting(handler.formatter or logging.Formatter()))


def set_up_logging(level: str) -> None:
    """Write log lines of that level and above to stderr."""
    logging.basicConfig(stream=sys.stderr, level=level, format=LINE, force=True)
    redact_tokens()
    # SQL and the server's own chatter are of use only to those who ask for them.
    for chatty in ("sqlalchemy.engine", "waitress.queue", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
