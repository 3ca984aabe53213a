"""A provider of OpenID Connect that is strict about all that providers are strict about, and can be told to lie."""
import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from flask import Flask, Response, abort, jsonify, redirect, request
from jwt.algorithms import RSAAlgorithm
from werkzeug.wrappers import Response as AnyResponse

from tests.identity.http import LoopbackServer

Claims = dict[str, Any]
SECONDS = 600
PAGE = """<!doctype html><title>{title}</title><h1>{title}</h1>
<form method="post"><label>Who are you? <input name="sub" required autofocus></label><button>Sign in</button></form>
<form method="post"><button name="deny" value="yes">Deny</button></form>"""


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """A key, the same whenever it is asked for by that name: making one takes a while."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str) -> Claims:
    """The public half of a key, as providers publish it."""
    return {**RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True), "use": "sig", "alg": "RS256", "kid": name}


def signed(claims: Claims, key: str = "first", kid: str | None = None, algorithm: str = "RS256") -> str:
    """A token signed by a key."""
    return jwt.encode(claims, rsa_key(key), algorithm=algorithm, headers={"kid": kid or key})


@dataclass(frozen=True)
class Grant:
    """What a person has let a client know."""

    sub: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    challenge: str


class OpenIdProvider(LoopbackServer):
    """The provider at `url`, for one client. It serves as soon as it is made; a context manager.

    `people` are those it knows: sub to claims. Who types in a sub that is not among them is a person without claims.
    The next to sign in is `person`, if that is set; else a form asks who it is. `changed` makes of the claims of an
    identity token what is sent, `token` signs them.
    """

    title = "A strict provider"
    authorize, token_path, userinfo = "/authorize", "/token", "/userinfo"
    keys_path, sign_out = "/keys", "/sign-out"

    def __init__(self, redirect_uri: str, client_id: str = "the-client", client_secret: str = "the-client's secret"):
        super().__init__()
        self.redirect_uri = redirect_uri
        self.client_id, self.client_secret = client_id, client_secret
        self.issuer = self.url
        self.people: dict[str, Claims] = {}
        self.person: str | None = None
        self.keys = [jwk("first")]
        self.token: Callable[[Claims], str] = signed
        self.changed: Callable[[Claims], Claims] = lambda claims: claims
        self.in_id_token = True
        self.valid_tokens: dict[str, Grant] = {}
        self._codes: dict[str, Grant] = {}
        self.serve(self._routes())

    def metadata(self) -> Claims:
        """What it says of itself."""
        return {"issuer": self.issuer, "authorization_endpoint": self.url + self.authorize,
                "token_endpoint": self.url + self.token_path, "userinfo_endpoint": self.url + self.userinfo,
                "jwks_uri": self.url + self.keys_path, "end_session_endpoint": self.url + self.sign_out,
                "id_token_signing_alg_values_supported": ["RS256"], "response_types_supported": ["code"],
                "subject_types_supported": ["public"], "code_challenge_methods_supported": ["S256"]}

    def access_token(self, sub: str, audience: str | list[str], **more: Any) -> Claims:
        """The claims of an access token of this issuer; one that is None is left out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": sub, "aud": audience, "exp": now + SECONDS, "nbf": now, "iat": now, **more}
        return {name: value for name, value in claims.items() if value is not None}

    def _routes(self) -> Flask:
        app = Flask(type(self).__name__)
        app.add_url_rule("/.well-known/openid-configuration", "metadata", lambda: jsonify(self.metadata()))
        app.add_url_rule(self.keys_path, "keys", lambda: jsonify(keys=self.keys))
        app.add_url_rule(self.authorize, "authorize", self._authorize, methods=["GET", "POST"])
        app.add_url_rule(self.token_path, "token", self._exchange, methods=["POST"])
        app.add_url_rule(self.userinfo, "userinfo", self._userinfo)
        app.add_url_rule(self.sign_out, "sign_out", lambda: f"You have signed out of {self.title}.")
        return app

    def _authorize(self) -> AnyResponse | str:
        asked = request.args
        if asked.get("client_id") != self.client_id or asked.get("redirect_uri") != self.redirect_uri:
            abort(400, "no such client, or it may not send people there")
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return self._back(error="invalid_request", error_description="code and openid have to be asked for")
        if len(asked.get("code_challenge", "")) != 43 or asked.get("code_challenge_method") != "S256":
            return self._back(error="invalid_request", error_description="PKCE has to be used")
        if "deny" in request.form:
            return self._back(error="access_denied", error_description="The person did not want to.")
        sub = self.person or request.form.get("sub")
        if not sub:
            return PAGE.format(title=escape(self.title))
        return self._back(code=self._code(sub, asked))

    def _back(self, **answer: str) -> AnyResponse:
        answer |= {"state": request.args["state"]} if "state" in request.args else {}
        return redirect(f"{self.redirect_uri}?{urlencode(answer)}")

    def _code(self, sub: str, asked: Mapping[str, str]) -> str:
        code = secrets.token_urlsafe(16)
        self._codes[code] = Grant(sub, asked["client_id"], asked["redirect_uri"], asked["scope"], asked.get("nonce"),
                                  asked["code_challenge"])
        return code

    def _exchange(self) -> Response | tuple[Response, int]:
        if not self._client_shows_itself():
            return jsonify(error="invalid_client"), 401
        if request.form.get("grant_type") != "authorization_code":
            return jsonify(error="unsupported_grant_type"), 400
        grant = self._codes.pop(request.form.get("code", ""), None)
        if grant is None or grant.redirect_uri != request.form.get("redirect_uri"):
            return jsonify(error="invalid_grant", error_description="no such code"), 400
        if challenge(request.form.get("code_verifier", "")) != grant.challenge:
            return jsonify(error="invalid_grant", error_description="this is the verifier of somebody else"), 400
        return jsonify(self._tokens(grant))

    def _client_shows_itself(self) -> bool:
        if not self.client_secret:
            return request.form.get("client_id") == self.client_id and "Authorization" not in request.headers
        shown = request.authorization
        return shown is not None and shown.type == "basic" and (
            shown.username, shown.password) == (self.client_id, self.client_secret)

    def _tokens(self, grant: Grant) -> Claims:
        access = secrets.token_urlsafe(24)
        self.valid_tokens[access] = grant
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": grant.sub, "aud": self.client_id, "exp": now + SECONDS, "iat": now,
                  "nonce": grant.nonce, "at_hash": half_hash(access)}
        if self.in_id_token:
            claims |= self.people.get(grant.sub, {})
        return {"access_token": access, "token_type": "Bearer", "expires_in": SECONDS, "scope": grant.scope,
                "id_token": self.token(self.changed(claims))}

    def _userinfo(self) -> Response | tuple[Response, int]:
        shown = request.authorization
        grant = self.valid_tokens.get(shown.token or "") if shown and shown.type == "bearer" else None
        if grant is None:
            return jsonify(error="invalid_token"), 401
        return jsonify({"sub": grant.sub, **self.people.get(grant.sub, {})})


def challenge(verifier: str) -> str:
    """What a verifier must come to (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def half_hash(token: str) -> str:
    """The claim `at_hash` of a token (OpenID Connect Core, 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
