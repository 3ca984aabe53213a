"""A server with accounts, and the identity providers of its people."""
import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.identity.globus import Globus
from tests.identity.provider import Claims, OpenIdProvider
from tests.running_server import COMMAND, RunningServer, free_port

ADMIN_EMAIL = "ada@example.org"
GLOBUS_LABEL, INSTITUTE_LABEL = "Globus", "The Institute of Examples"


class SignInSite(RunningServer):
    """An embedded server at which people sign in by Globus or at their institute; `ada` is its administrator there."""

    def __init__(self, folder: Path):
        port = free_port()
        comes_back = f"http://127.0.0.1:{port}/auth-callback"
        self.globus, self.institute = Globus(comes_back), OpenIdProvider(comes_back)
        self.institute.people["ada"] = person("Ada", ADMIN_EMAIL)
        self.settings = {
            "ENABLE_AUTH": "true", "DATA_DIRECTORY": str(folder / "data"), "JWT_ADMIN": ADMIN_EMAIL,
            "GLOBUS_SDK_SERVICE_URL_AUTH": self.globus.url, "GLOBUS_CLIENT_ID": self.globus.client_id,
            "GLOBUS_CLIENT_SECRET": self.globus.client_secret, "RATE_LIMIT_SIGN_IN": "1000 per minute",
            "OIDC_PROVIDERS": json.dumps([{
                "name": "institute", "label": INSTITUTE_LABEL, "issuer": self.institute.url,
                "client_id": self.institute.client_id, "client_secret": self.institute.client_secret}])}
        super().__init__(folder / "data", [folder / "files"], port=port, environment=self.settings)

    def command(self, *words: str) -> str:
        """What `servicex-app` prints."""
        return subprocess.run([str(COMMAND), *words], env={**os.environ, **self.settings}, check=True, timeout=60,
                              capture_output=True, text=True).stdout.strip()

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        self.globus.close()
        self.institute.close()


def person(name: str, email: str, verified: bool = True) -> Claims:
    """What a provider says of a person."""
    return {"name": name, "email": email, "email_verified": verified}
