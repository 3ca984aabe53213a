"""What a provider says of a person, taken with care: it is shown, stored and compared with what rights hang on."""
from collections.abc import Mapping
from typing import Any

from servicex.backends.identity.base import Identity, SignInFailed
from servicex.identity_settings import OidcSettings

PREFIX_END = "|"
LONGEST_SUB = 320
LONGEST_ADDRESS = 320
LONGEST_NAME = 120
LONGEST_GROUP = 256
MOST_GROUPS = 1000


def identity_of(provider: OidcSettings, claims: Mapping[str, Any]) -> Identity:
    """The identity that claims of a provider tell of (OpenID Connect Core, 5.1). Raises SignInFailed."""
    email = address(claims.get("email"))
    verified = provider.trusts_email or claims.get("email_verified") is True
    return Identity(
        provider=provider.name, sub=subject(provider.label, claims.get("sub"), provider.name + PREFIX_END),
        name=one_line(claims.get("name")), email=email, verified_email=verifiable(email) if verified else "",
        institution=one_line(claims.get(provider.institution_claim)), groups=groups(claims.get(provider.groups_claim)))


def subject(label: str, value: Any, prefix: str = "") -> str:
    """What a provider calls a person, with our prefix. Raises SignInFailed if that cannot be kept as it is."""
    usable = isinstance(value, str) and value and value.isprintable() and len(prefix + value) <= LONGEST_SUB
    # Without a prefix it must not look like one with the prefix of another provider.
    if not usable or not prefix and PREFIX_END in value:
        raise SignInFailed(f"{label} calls you by an identifier that this server cannot keep. Please tell the people "
                           "who run this server.")
    return prefix + str(value)


def one_line(value: Any, longest: int = LONGEST_NAME) -> str:
    """Text on one line, cut if it is too long; empty if it is no text."""
    text = value if isinstance(value, str) else ""
    return "".join(character for character in text if character.isprintable()).strip()[:longest]


def address(value: Any) -> str:
    """An e-mail address; empty if it is none."""
    text = one_line(value, LONGEST_ADDRESS + 1)
    good = text == value and len(text) <= LONGEST_ADDRESS and " " not in text and text.count("@") == 1
    return text if good else ""


def verifiable(email: str) -> str:
    """The address if rights may hang on it. Of two that are written in other letters, one can become the other when
    their case is ignored: the lower case of the Kelvin sign is k."""
    return email if email.isascii() else ""


def groups(value: Any) -> tuple[str, ...]:
    """The names in a claim that is a text or a list of texts; those that are too long are left out."""
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    good = [name for name in names if isinstance(name, str) and 0 < len(name) <= LONGEST_GROUP and name.isprintable()]
    return tuple(dict.fromkeys(good))[:MOST_GROUPS]
