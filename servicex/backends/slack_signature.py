"""Whether a request comes from Slack: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
from collections.abc import Mapping

from slack_sdk.signature import SignatureVerifier


class SlackSignature:
    """Knows the secret that a Slack app signs with."""

    def __init__(self, secret: str):
        self._verifier = SignatureVerifier(secret)

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the app signed that body, not more than five minutes before or after now."""
        try:
            return self._verifier.is_valid_request(body, headers)
        except (ValueError, TypeError, OverflowError):  # a time that is no number, or no text that can be compared
            return False
