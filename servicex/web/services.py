"""What the pages are handed."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from servicex.api.services import Services
from servicex.backends.identity.base import IdentityProvider
from servicex.services.accounts import AccountService
from servicex.services.api_tokens import ApiTokenService
from servicex.services.audit import AuditLog
from servicex.services.device_codes import DeviceCodeService
from servicex.services.overview import OverviewService
from servicex.services.sign_ins import SignInService

EXTENSION = "servicex_web"


@dataclass(frozen=True)
class WebServices:
    """The use cases the pages offer, and those of the API.

    `depth` is how many files wait in the queue of a transform. `versions` are those of the parts, by their name.
    `framed` has the addresses of pages that ours show within themselves, by the name of ours. Below the folders that
    are `readable` are local files that transforms can read.
    """

    api: Services
    accounts: AccountService
    api_tokens: ApiTokenService
    sign_ins: SignInService
    device_codes: DeviceCodeService
    audit_log: AuditLog
    identity_providers: Sequence[IdentityProvider]
    overview: OverviewService
    depth: Callable[[str], int | None]
    versions: Mapping[str, str]
    framed: Mapping[str, str]
    readable: Sequence[Path]


def services() -> WebServices:
    """What the pages of the present app were handed."""
    found: WebServices = current_app.extensions[EXTENSION]
    return found
