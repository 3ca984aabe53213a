"""Finders and transformers as the server sees them: callers of the URLs they were handed."""
import uuid
from collections.abc import Sequence
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from servicex import api
from servicex.api.auth import Authentication, TokenOptions
from servicex.api.guard import Outside
from servicex.api.services import Services
from servicex.backends.object_store.base import Credentials
from servicex.capabilities import Capabilities, capability_keys
from servicex.errors import Unavailable
from servicex.models import FileStatus, TransformRequest
from servicex.models.result import TransformResult
from servicex.services.accounts import AccountService
from servicex.services.api_tokens import ApiTokenService
from servicex.services.caller import SINGLE_USER
from servicex.services.device_codes import DeviceCodeService
from servicex.services.finder_reports import FinderReports
from servicex.services.health import Health
from servicex.services.insights import InsightService
from servicex.services.notices import Notices
from servicex.services.sign_ins import AutoApproval, SignInService
from servicex.services.slack_clicks import SlackClicks
from servicex.services.transformer_reports import TransformerReports
from tests.databases import House

SECRET = "the secret of this server"
ATTEMPTS = 2


def _accounts(house: House) -> AccountService:
    return AccountService(house.transactions, Notices())


class Objects:
    """The names of the objects that were discarded."""

    def __init__(self) -> None:
        self.discarded: list[str] = []
        self.away = False

    def discard(self, bucket: str, key: str) -> None:
        if self.away:
            raise Unavailable("The object store does not answer.")
        self.discarded.append(key)


class Callers:
    """Calls back over the routes, with the token of whom it speaks for."""

    def __init__(self, house: House, open_callbacks: bool = False, secrets: Sequence[str] = (SECRET,)):
        self.house = house
        self.objects = Objects()
        self.capabilities = Capabilities(capability_keys(secrets))
        self.app = Flask("servicex")
        self.app.config["PUBLIC_URL"] = ""
        accounts = AccountService(house.transactions, Notices())
        tokens = ApiTokenService(house.transactions)
        sign_ins = SignInService(house.transactions, accounts, AutoApproval(), 3600)
        api.register(self.app, self._services(accounts, open_callbacks), Outside(["servicex-app"]),
                     Authentication(False, accounts, tokens, sign_ins), TokenOptions("x" * 32, 3600, 0))

    def _services(self, accounts: AccountService, open_callbacks: bool) -> Services:
        house = self.house
        return Services(
            accounts=accounts, device_codes=DeviceCodeService(house.transactions), transforms=house.transforms,
            datasets=house.datasets, results=house.results,
            insights=InsightService(house.transactions), slack_signed=None,
            slack_clicks=SlackClicks(house.transactions, accounts, Notices(), "https://hooks.slack.com"),
            finder_reports=FinderReports(house.transactions, house.datasets, ATTEMPTS, 0.0, house.wake),
            transformer_reports=TransformerReports(house.transactions, house.results, house.wake,
                                                   self.objects.discard),
            capabilities=self.capabilities, open_callbacks=open_callbacks, workers=lambda request_id: None,
            logs=lambda request_id, tail: "", health=Health({}),
            credentials=lambda request_id: Credentials("", ""), public_endpoint="", public_secured=False,
            app_version="1", generator_urls={})

    def call(self, method: str, url: str, **more: Any) -> TestResponse:
        """Send a request; `json` for a body."""
        return self.app.test_client().open(url, method=method, **more)

    def finder(self, transform: TransformRequest, what: str, json: Any) -> TestResponse:
        """Call back as the finder of the transform's dataset does: `what` is files, complete or error."""
        token = self.capabilities.token("dataset", str(transform.did_id))
        return self.call("PUT", f"/servicex/internal/{token}/transformation/{transform.did_id}/{what}", json=json)

    def transformer(self, transform: TransformRequest, method: str, what: str, json: Any) -> TestResponse:
        """Call back as a transformer does."""
        token = self.capabilities.token("transform", transform.request_id)
        url = f"/servicex/internal/{token}/transformation/{transform.request_id}/{what}"
        return self.call(method, url, json=json)

    def report(self, transform: TransformRequest, file_id: int, path: str = "root://a//f.root",
               status: str = "success", **more: Any) -> TestResponse:
        """Report on a file as the sidecar of 2024 does."""
        return self.transformer(transform, "PUT", "file-complete", {
            "requestId": transform.request_id, "file-path": path, "file-id": file_id, "status": status,
            "total-time": 1.5, "total-events": 11, "total-bytes": 22549, "avg-rate": 7.3,
            "place": {"host_name": "node", "site": "unknown"}, **more})

    def looked_up(self) -> TransformRequest:
        """A transform of a new DID whose look-up was begun."""
        transform = self.house.submit(did=f"test://{uuid.uuid4()}")
        self.house.begin_lookups()
        return transform

    def look_ups(self, transform: TransformRequest) -> int:
        """How often the finder was asked for the transform's dataset."""
        return self.house.finder.asked.count(transform.did_id)

    def counts(self, transform: TransformRequest) -> tuple[int, int, int]:
        """How many files the transform has, how many of them done and failed."""
        now = self.house.get(transform)
        return now.files, now.files_completed, now.files_failed

    def results(self, transform: TransformRequest) -> list[TransformResult]:
        """The results so far, oldest first."""
        return list(self.house.transforms.results(SINGLE_USER, transform.request_id))

    def events(self, transform: TransformRequest) -> list[FileStatus]:
        """The rows on the files of the transform."""
        with self.house.transactions.read() as session:
            return list(session.scalars(select(FileStatus).where(
                FileStatus.request_id == transform.request_id).order_by(FileStatus.id)))


def found(*paths: str) -> list[dict[str, Any]]:
    """Files as a finder sends them."""
    return [{"timestamp": "2026-11-24T06:12:39.054677", "paths": [path], "adler32": 0, "file_size": 10,
             "file_events": 2} for path in paths]


def summary(files: int) -> dict[str, int]:
    """The end of a look-up as a finder sends it."""
    return {"files": files, "files-skipped": 0, "total-events": 0, "total-bytes": 0, "elapsed-time": 0}
