"""How a program without a browser gets a token: a person lets it in on a page (OAuth device flow, RFC 8628)."""
from flask import Response, url_for

from servicex.api.account_schemas import DeviceCodes, DeviceGrant, DeviceName, DeviceRefusal, DeviceTokens
from servicex.api.addresses import public_url
from servicex.api.auth import Access, address, authentication
from servicex.api.limits import Limit
from servicex.api.operation import json_response, operation
from servicex.api.resource import ServiceXResource
from servicex.errors import NotFound
from servicex.models import User
from servicex.services.accounts import known_as
from servicex.services.caller import Caller
from servicex.services.device_codes import INTERVAL, LIFETIME, Refusal

WORDS = {
    Refusal.PENDING: "Nobody has let the program in yet.",
    Refusal.SLOW_DOWN: f"Ask no more often than every {INTERVAL} seconds.",
    Refusal.DENIED: "The program was turned away.",
    Refusal.EXPIRED: "The code is not known, was used, or has expired. Begin anew.",
}


class DeviceCode(ServiceXResource):
    """The beginning."""

    @operation(answer=DeviceCodes, body=DeviceName, form=True, failures=(404,), access=Access.ANYONE,
               limit=Limit.SIGN_IN)
    def post(self, body: DeviceName) -> DeviceCodes:
        """Codes for a program, and the page where a person types one of them in; 404 on a server without accounts."""
        if not authentication().enabled:
            raise NotFound("This server has no accounts, and programs need no tokens.")
        codes = self.services.device_codes.begin(body.client_name)
        page = public_url() + url_for("device")
        return DeviceCodes(device_code=codes.device_code, user_code=codes.user_code, verification_uri=page,
                           verification_uri_complete=f"{page}?user_code={codes.user_code}", expires_in=LIFETIME,
                           interval=INTERVAL)


class DeviceToken(ServiceXResource):
    """The end."""

    @operation(answer=DeviceTokens, body=DeviceGrant, form=True, failures=(401,), access=Access.ANYONE,
               limit=Limit.TOKEN)
    def post(self, body: DeviceGrant) -> DeviceTokens | Response:
        """The tokens, once a person has let the program in. Until then 400 with `error` as in RFC 8628."""
        found = self.services.device_codes.claim(body.device_code)
        return _tokens(found) if isinstance(found, User) else _refused(found)


def _tokens(user: User) -> DeviceTokens:
    caller = Caller(user.id, False, known_as(user), address())
    api_token = authentication().new_api_token(caller, user, "let in with a code")
    return DeviceTokens(access_token=authentication().exchange(user.sub, api_token), refresh_token=api_token)


def _refused(why: Refusal) -> Response:
    return json_response(DeviceRefusal(error=why.value, message=WORDS[why]), 400)
