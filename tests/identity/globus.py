"""Globus Auth as far as a portal meets it (docs.globus.org/api/auth/reference)."""
from typing import Any

from flask import Flask, Response, abort, jsonify, request

from tests.identity.provider import Claims, Grant, OpenIdProvider, jwk, signed

SCOPES = {"openid", "profile", "email"}


class Globus(OpenIdProvider):
    """Stands in for Globus. `linked` are the further identities of people: sub to subs. Let GLOBUS_SDK_SERVICE_URL_AUTH
    name its `url`."""

    title = "Log in to use ServiceX Portal"
    authorize, token_path, userinfo = "/v2/oauth2/authorize", "/v2/oauth2/token", "/v2/oauth2/userinfo"
    keys_path, sign_out = "/jwk.json", "/v2/web/logout"
    introspect, revoke = "/v2/oauth2/token/introspect", "/v2/oauth2/token/revoke"

    def __init__(self, redirect_uri: str, client_id: str = "2f9482c4-67b3-4783-bac7-12b37d6f8966",
                 client_secret: str = "the portal's secret"):
        super().__init__(redirect_uri, client_id, client_secret)
        self.linked: dict[str, list[str]] = {}
        self.revoked: list[str] = []
        # Globus has one key, which it does not name, and signs by RS512.
        self.keys = [{name: value for name, value in jwk("first").items() if name != "kid"} | {"alg": "RS512"}]
        self.token = lambda claims: signed(claims, algorithm="RS512")

    def metadata(self) -> Claims:
        """What Globus says of itself: nothing of signing out, for one."""
        said = {**super().metadata(), "revocation_endpoint": self.url + self.revoke,
                "id_token_signing_alg_values_supported": ["RS512"]}
        return {name: value for name, value in said.items() if name != "end_session_endpoint"}

    def _routes(self) -> Flask:
        app = super()._routes()
        app.add_url_rule(self.introspect, "introspect", self._introspect, methods=["POST"])
        app.add_url_rule(self.revoke, "revoke", self._revoke, methods=["POST"])
        return app

    def _authorize(self) -> Any:
        if not set(request.args.get("scope", "").split()) <= SCOPES:
            abort(400, "unknown scope")
        return super()._authorize()

    def _tokens(self, grant: Grant) -> Claims:
        return {**super()._tokens(grant), "resource_server": "auth.globus.org", "other_tokens": []}

    def _introspect(self) -> Response | tuple[Response, int]:
        if not self._client_shows_itself():
            return jsonify(error="unauthorized"), 401
        grant = self.valid_tokens.get(request.form["token"])
        if grant is None:
            return jsonify(active=False)
        told: Claims = {"active": True, "sub": grant.sub, "client_id": self.client_id, "scope": grant.scope}
        if "identity_set" in request.form.get("include", "").split(","):
            told["identity_set"] = [*self.linked.get(grant.sub, []), grant.sub]
        return jsonify(told)

    def _revoke(self) -> Response | tuple[Response, int]:
        if not self._client_shows_itself():
            return jsonify(error="unauthorized"), 401
        self.valid_tokens.pop(request.form["token"], None)
        self.revoked.append(request.form["token"])
        return jsonify(active=False)
