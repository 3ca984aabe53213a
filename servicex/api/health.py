"""What a cluster asks to see whether the server lives, and whether it can work."""
from flask import Response

from servicex.api.auth import Access
from servicex.api.operation import json_response, operation
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import HealthAnswer


class Live(ServiceXResource):
    """Whether the process answers at all."""

    @operation(answer=HealthAnswer, access=Access.ANYONE)
    def get(self) -> HealthAnswer:
        """Always the same: a process that cannot say it is to be started anew."""
        return HealthAnswer(status="live", parts={})


class Ready(ServiceXResource):
    """Whether requests can be answered."""

    @operation(answer=HealthAnswer, failures=(503,), access=Access.ANYONE)
    def get(self) -> Response:
        """How the parts are, `ok` or words; 503 if one is away without which no request can be answered."""
        report = self.services.health.report()
        answer = HealthAnswer(status="ready" if report.ready else "not ready", parts=dict(report.parts))
        return json_response(answer, 200 if report.ready else 503)
