"""People of every kind on a server with accounts."""
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token
from werkzeug.test import TestResponse

from servicex import create_app
from servicex.api.auth import EXTENSION, Authentication
from servicex.migration import upgrade_alone
from servicex.models import User, db
from servicex.services.accounts import Profile
from servicex.services.caller import COMMAND_LINE
from servicex.settings import load

KEY = "the key of an earlier server, long enough"
ADMIN_EMAIL = "ada@example.org"


class Site:
    """A server with accounts and one administrator, `ada`. Nothing of its controller runs."""

    def __init__(self, folder: Path, **settings: Any):
        self.app: Flask = create_app(load(**{
            "ENABLE_AUTH": True, "DATA_DIRECTORY": folder, "JWT_SECRET_KEY": KEY, "JWT_ADMIN": ADMIN_EMAIL,
            "ALLOWED_PATHS": [folder], "ALLOWED_HOSTS": ["servicex.example.org"], **settings}))
        folder.mkdir(exist_ok=True)
        with self.app.app_context():
            upgrade_alone(db.engine)
        self.parts = self.app.extensions["servicex"]
        self.person("ada", email=ADMIN_EMAIL)

    def close(self) -> None:
        """End it."""
        self.parts.close()

    @property
    def authentication(self) -> Authentication:
        """What knows who asks."""
        found: Authentication = self.app.extensions[EXTENSION]
        return found

    @property
    def client(self) -> FlaskClient:
        """A client without cookies or tokens."""
        return self.app.test_client()

    def person(self, sub: str, approved: bool = True, email: str = "") -> User:
        """A new account."""
        user: User = self.parts.accounts.create(
            COMMAND_LINE, sub, Profile(sub.capitalize(), email or f"{sub}@example.org", "CERN"), approved)
        return user

    def api_token(self, user: User) -> str:
        """A new API token."""
        with self.app.app_context():
            return self.authentication.new_api_token(COMMAND_LINE, user, "laptop")

    def access_token(self, sub: str) -> str:
        """An access token, without asking for one."""
        with self.app.app_context():
            return str(create_access_token(sub))

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> TestResponse:
        """Send a request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.open(path, method=method, headers=headers, buffered=True, **more)

    def callers(self) -> Mapping[str, str | None]:
        """What each kind of caller shows. `user` is the one whose things there are, `other` has none."""
        user = self.person("user")
        self.person("other")
        self.person("pending", approved=False)
        gone = self.person("gone")
        shown = {name: self.access_token(name) for name in ("user", "other", "pending", "gone", "ada")}
        self.parts.accounts.delete(COMMAND_LINE, gone.id)
        return {"anonymous": None, "pending": shown["pending"], "user": shown["user"], "other": shown["other"],
                "deleted": shown["gone"], "expired": self._expired("user"),
                "refresh": self.api_token(user), "garbage": "no.token.this", "revoked": self._revoked(user),
                "admin": shown["ada"]}

    def _revoked(self, user: User) -> str:
        """An access token got with an API token that was revoked afterwards."""
        api_token = self.api_token(user)
        with self.app.app_context():
            token = self.authentication.exchange(user.sub, api_token)
        self.parts.api_tokens.revoke(COMMAND_LINE, user.id, self.parts.api_tokens.of_user(user.id)[-1].id)
        return token

    def _expired(self, sub: str) -> str:
        import jwt
        return jwt.encode({"sub": sub, "type": "access", "iat": time.time() - 10, "nbf": time.time() - 10,
                           "exp": time.time() - 5, "jti": "x", "fresh": False}, KEY, algorithm="HS256")

    def end_transform(self, request_id: str) -> None:
        """Have a transform end, and so the streams about it."""
        self.parts.transforms.cancel(COMMAND_LINE, request_id)

    def submit(self, token: str, path: str = "/file.root") -> str:
        """Submit a transform of a file list; gives the request id."""
        answer = self.ask("POST", "/servicex/transformation", token, json={
            "file-list": [f"root://storage.example.org/{path}"], "codegen": "uproot-raw", "result-format": "parquet",
            "result-destination": "object-store", "selection": '[{"treename": "t", "filter_name": "x"}]'})
        assert answer.status_code == 200, answer.text
        return str(answer.json["request_id"])
