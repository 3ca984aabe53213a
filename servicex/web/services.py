"""What the pages are handed."""
from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app

from servicex.api.services import Services
from servicex.backends.identity.base import IdentityProvider
from servicex.services.accounts import AccountService
from servicex.services.api_tokens import ApiTokenService
from servicex.services.audit import AuditLog
from servicex.services.dataset_lists import DatasetLists
from servicex.services.device_codes import DeviceCodeService
from servicex.services.insights import InsightService
from servicex.services.sign_ins import SignInService
from servicex.services.transform_lists import TransformLists

EXTENSION = "servicex_web"


@dataclass(frozen=True)
class WebServices:
    """The use cases the pages offer, and those of the API."""

    api: Services
    accounts: AccountService
    api_tokens: ApiTokenService
    sign_ins: SignInService
    device_codes: DeviceCodeService
    audit_log: AuditLog
    insights: InsightService
    identity_providers: Sequence[IdentityProvider]
    transform_lists: TransformLists
    dataset_lists: DatasetLists


def services() -> WebServices:
    """What the pages of the present app were handed."""
    found: WebServices = current_app.extensions[EXTENSION]
    return found
