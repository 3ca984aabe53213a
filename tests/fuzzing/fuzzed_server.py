"""A running server with accounts, with something in it for hostile requests to reach."""
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from servicex.capabilities import Capabilities, capability_keys
from tests.accounts.test_real_client import Guarded
from tests.running_server import RunningServer

SECRET = "the secret of a server that is fuzzed"
OFTEN = "1000000 per minute"
TIMEOUT = 60.0
INTERNAL = "/servicex/internal/"


class FuzzedServer(Guarded):
    """`servicex-app up` with an administrator, `ada`, and a user, `bob`. It takes as many requests as there are."""

    def __init__(self, folder: Path, database: str = ""):
        (folder / "files").mkdir()
        self.settings = {"ENABLE_AUTH": "true", "DATA_DIRECTORY": str(folder / "data"), "SECRET_KEY": SECRET,
                         "SQLALCHEMY_DATABASE_URI": database, "RATE_LIMIT_TOKEN": OFTEN, "RATE_LIMIT_SUBMIT": OFTEN,
                         "RATE_LIMIT_SIGN_IN": OFTEN, "JWT_ADMIN": "ada@example.org"}
        RunningServer.__init__(self, folder / "data", [folder / "files"], environment=self.settings)

    def __enter__(self) -> "FuzzedServer":
        super().__enter__()
        for name in ("ada", "bob"):
            self.command("user", "create", name, f"{name}@example.org", name, "CERN", "--approved")
        return self

    @cached_property
    def tokens(self) -> Mapping[str, str]:
        """An access token of each."""
        return {name: self._access(self.command("user", "token", name)) for name in ("ada", "bob")}

    def _access(self, api_token: str) -> str:
        answer = requests.post(f"{self.address}/token/refresh", headers=bearer(api_token), timeout=TIMEOUT)
        return str(answer.json()["access_token"])

    def path_values(self, name: str) -> dict[str, str]:
        """What stands in paths for a new transform of that person: its ids, and those of its dataset and file."""
        answer = requests.post(f"{self.address}/servicex/transformation", headers=bearer(self.tokens[name]),
                               timeout=TIMEOUT, json={
            "file-list": [str(self.files / "not_there.root")], "codegen": "uproot-raw", "result-format": "parquet",
            "result-destination": "object-store", "selection": '[{"treename": "t", "filter_name": "x"}]'})
        made: dict[str, Any] = answer.json()
        dataset = str(made["did_id"])
        files = requests.get(f"{self.address}/servicex/datasets/{dataset}", headers=bearer(self.tokens[name]),
                             timeout=TIMEOUT).json()["files"]
        return {"request_id": made["request_id"], "dataset_id": dataset, "file_id": str(files[0]["id"]),
                "user_id": "2147483647"}


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


def url_token(path: str, values: Mapping[str, str]) -> str:
    """The token that the path of a callback has to hold."""
    tokens = Capabilities(capability_keys([SECRET]))
    if "{dataset_id}" in path:
        return tokens.token("dataset", values["dataset_id"])
    return tokens.token("transform", values["request_id"])
