"""What the resources are handed: the services, and where results are to be had."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import request

from servicex.api.records import ResultsAccess
from servicex.backends.launcher.base import WorkersStatus
from servicex.backends.object_store.base import Credentials
from servicex.capabilities import Capabilities
from servicex.models import TransformRequest
from servicex.services.accounts import AccountService
from servicex.services.datasets import DatasetService
from servicex.services.device_codes import DeviceCodeService
from servicex.services.finder_reports import FinderReports
from servicex.services.health import Health
from servicex.services.live import LiveStates
from servicex.services.results import ResultService
from servicex.services.slack_clicks import SlackClicks
from servicex.services.submissions import OBJECT_STORE
from servicex.services.transformer_reports import TransformerReports
from servicex.services.transforms import TransformService


@dataclass(frozen=True)
class Services:
    """The use cases the API offers. `workers` and `logs` ask about the transformers of a transform.

    `open_callbacks` lets finders and transformers call back without a token in their URL. `slack_signed` says whether a
    body, with its headers, comes from Slack; it is None if there is no Slack app. After `heartbeat` seconds
    without news a stream is written to. At `log_url` people find the logs.
    """

    accounts: AccountService
    device_codes: DeviceCodeService
    transforms: TransformService
    datasets: DatasetService
    results: ResultService
    finder_reports: FinderReports
    transformer_reports: TransformerReports
    slack_signed: Callable[[bytes, Mapping[str, str]], bool] | None
    slack_clicks: SlackClicks
    capabilities: Capabilities
    open_callbacks: bool
    workers: Callable[[str], WorkersStatus | None]
    logs: Callable[[str, int], str]
    credentials: Callable[[str], Credentials]
    public_endpoint: str
    public_secured: bool
    app_version: str
    generator_urls: Mapping[str, str]
    health: Health
    live: LiveStates
    heartbeat: float
    log_url: str | None

    def access(self, transform: TransformRequest) -> ResultsAccess | None:
        """How the client of the present request reads the results: at the configured address, else as it came here.

        None if they are not in the object store.
        """
        if transform.result_destination != OBJECT_STORE:
            return None
        credentials = self.credentials(transform.request_id)
        if self.public_endpoint:
            return ResultsAccess(self.public_endpoint, self.public_secured, credentials)
        return ResultsAccess(request.host, request.is_secure, credentials)
