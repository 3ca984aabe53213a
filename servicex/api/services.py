"""What the resources are handed: the services, and where results are to be had."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import request

from servicex.api.records import ResultsAccess
from servicex.backends.launcher.base import WorkersStatus
from servicex.backends.object_store.base import Credentials
from servicex.models import TransformRequest
from servicex.services.datasets import DatasetService
from servicex.services.results import ResultService
from servicex.services.transforms import OBJECT_STORE, TransformService


@dataclass(frozen=True)
class Services:
    """The use cases the API offers. `workers` asks the launcher about a transform."""

    transforms: TransformService
    datasets: DatasetService
    results: ResultService
    workers: Callable[[str], WorkersStatus | None]
    credentials: Callable[[str], Credentials]
    public_endpoint: str
    public_secured: bool
    app_version: str
    generator_urls: Mapping[str, str]

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
