"""The answer with which a browser comes back from a provider (RFC 6749, 4.1.2)."""
from collections.abc import Mapping

from servicex.backends.identity.base import SignInFailed
from servicex.backends.identity.claims import one_line

LONGEST_CODE = 4096


def code_in(answer: Mapping[str, str], label: str) -> str:
    """The code in the answer. Raises SignInFailed with the provider's reason if there is none."""
    if answer.get("error") == "access_denied":
        raise SignInFailed(f"{label} was not allowed to say who you are. To sign in, please try again and agree to it.")
    if "error" in answer:
        why = one_line(answer.get("error_description") or answer["error"], 200)
        raise SignInFailed(f"You could not be signed in. {label} says: {why}")
    code = answer.get("code", "")
    if not code or len(code) > LONGEST_CODE:
        raise SignInFailed(f"{label} sent you back without a code. Please try again.")
    return code
