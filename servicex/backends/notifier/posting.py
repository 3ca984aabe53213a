"""Posting to a service, and what its answers mean."""
import time
from collections.abc import Mapping

from servicex.backends.bounded_http import Answer, CallFailed, call
from servicex.backends.notifier.base import NotSent, Refused

SECONDS = 10.0
TOO_MANY = 429
SHOWN = 200


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """POST once, following no redirect. Raises NotSent, and Refused for what would be answered alike another time.

    The URL may be a secret: it is in no message, only its host.
    """
    try:
        answer = call("POST", url, time.monotonic() + SECONDS, headers=headers, body=body)
    except CallFailed as error:
        raise NotSent(str(error)) from error
    if not 200 <= answer.status < 300:
        raise _refusal(answer)


def _refusal(answer: Answer) -> NotSent:
    said = f"the answer was {answer.status}: {_words(answer.body)}"
    may_change = answer.status >= 500 or answer.status == TOO_MANY
    return NotSent(said) if may_change else Refused(said)


def _words(body: bytes) -> str:
    """The beginning of an answer, in one line."""
    text = body[:SHOWN].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)
