"""What an operator sees: log lines."""
import logging
import sys

LINE = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"


def set_up_logging(level: str) -> None:
    """Write log lines of that level and above to stderr."""
    logging.basicConfig(stream=sys.stderr, level=level, format=LINE, force=True)
    # SQL and the server's own chatter are of use only to those who ask for them.
    for chatty in ("sqlalchemy.engine", "waitress.queue", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
