"""Transforms: submit, list, look at, cancel, delete."""
from collections import Counter

from flask import Response

from servicex.api import turns
from servicex.api.auth import caller, check_token_shown
from servicex.api.limits import Limit
from servicex.api.operation import json_response, operation
from servicex.api.records import detail_record, failure_record, result_record, status_record, transform_record
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import (DeploymentStatus, ErrorsQuery, FailureList, ListQuery, LogsQuery, Message,
                                  ResultList, ResultsQuery, StatusQuery, StatusRecord, SubmitBody, SubmitHeaders,
                                  TransformList, TransformRecord, WorkerLogs)
from servicex.api.streams import answer_with_list, list_answer, one_more
from servicex.backends.launcher.base import WorkersStatus
from servicex.errors import NotFound
from servicex.models import TransformRequest
from servicex.services.live import live_state
from servicex.services.submissions import Submission


class Transforms(ServiceXResource):
    """All transforms."""

    @operation(answer=TransformRecord, body=SubmitBody, headers=SubmitHeaders, failures=(422, 502, 503, 504),
               limit=Limit.SUBMIT)
    def post(self, body: SubmitBody, headers: SubmitHeaders) -> TransformRecord:
        """Submit a transform. The answer is its full record, `request_id` first.

        With an `Idempotency-Key` the same submission sent again, even at the same moment, gives the same transform.
        """
        submission = Submission(
            codegen=body.codegen, selection=body.selection, result_format=body.result_format,
            result_destination=body.result_destination, did=body.did, file_list=body.file_list, title=body.title,
            workers=body.workers, tree_name=body.tree_name, image=body.image)
        return self._record(self.services.transforms.submit(caller(), submission, headers.idempotency_key))

    @operation(answer=TransformList, query=ListQuery)
    def get(self, query: ListQuery) -> Response:
        """The transforms the caller may see, oldest first, without what their results are read with."""
        found = self.services.transforms.list(caller(), query.submitted_by, query.cursor, one_more(query.limit))
        return list_answer("requests", found, transform_record, query.limit, lambda transform: transform.id)

    def _record(self, transform: TransformRequest) -> TransformRecord:
        return transform_record(transform, self.services.access(transform))


class Transform(ServiceXResource):
    """One transform."""

    @operation(answer=TransformRecord)
    def get(self, request_id: str) -> TransformRecord:
        """The full record of a transform, with where its results are and what to read them with."""
        transform = self.services.transforms.get(caller(), request_id)
        return transform_record(transform, self.services.access(transform), self.services.log_url)

    @operation(failures=(400,))
    def delete(self, request_id: str) -> Message:
        """Delete a transform that has ended, with its results."""
        self.services.transforms.delete(caller(), request_id)
        return Message(message=f"Transformation request {request_id} deleted")


class Status(ServiceXResource):
    """How far a transform is."""

    @operation(answer=StatusRecord, query=StatusQuery, failures=(503,))
    def get(self, request_id: str, query: StatusQuery) -> Response:
        """State, counts and sums; with `details` every result as well, with `wait` when something has changed."""
        transforms = self.services.transforms
        if query.wait:
            self._wait(request_id, query)
        transform = transforms.get(caller(), request_id)
        status = status_record(transform, request_id, transforms.statistics(transform))
        answer = json_response(status) if not query.details else answer_with_list(
            status, "details", transforms.results(caller(), request_id), detail_record)
        answer.set_etag(live_state(transform).version)
        return answer

    def _wait(self, request_id: str, query: StatusQuery) -> None:
        """Return when the transform is not as it was, or has ended, or the time is over."""
        with self.services.live.watch(caller(), [request_id]) as watch:
            if query.since.removeprefix("W/").strip('"') in ("", watch.version):
                watch.skip()
            if not watch.ended:
                with turns.given_back():
                    watch.next(query.wait)


class Results(ServiceXResource):
    """The results of a transform."""

    @operation(answer=ResultList, query=ResultsQuery)
    def get(self, request_id: str, query: ResultsQuery) -> Response:
        """The results from `later_than` on, that time included, so that a client which asks again misses none."""
        found = self.services.transforms.results(caller(), request_id, query.later_than, one_more(query.limit),
                                                 query.cursor)
        return list_answer("results", found, result_record, query.limit, lambda result: result.created_at)


class Errors(ServiceXResource):
    """The failures of a transform."""

    @operation(answer=FailureList, query=ErrorsQuery)
    def get(self, request_id: str, query: ErrorsQuery) -> Response:
        """The files that failed: why, where, after how many attempts, the stack trace and what the worker printed."""
        failed = self.services.transforms.failures(caller(), request_id, one_more(query.limit), query.cursor)
        return list_answer("errors", failed, failure_record, query.limit, lambda failure: failure[0].created_at)


class Cancel(ServiceXResource):
    """The cancelling of a transform."""

    @operation(failures=(400,))
    def post(self, request_id: str) -> Message:
        """Cancel a transform; its workers stop within a second, and the results it has so far stay."""
        self.services.transforms.cancel(caller(), request_id)
        return Message(message=f"Canceled transformation request {request_id}")

    @operation(failures=(400,))
    def get(self, request_id: str) -> Message:
        """The same as POST, for clients that know only this. Only with a token in the header, not from a page."""
        check_token_shown()
        self.services.transforms.cancel(caller(), request_id)
        return Message(message=f"Canceled transformation request {request_id}")


class Workers(ServiceXResource):
    """The workers of a transform."""

    @operation(answer=DeploymentStatus)
    def get(self, request_id: str) -> DeploymentStatus:
        """How many workers a transform has, and what they do; 404 when it has none."""
        transform = self.services.transforms.get(caller(), request_id)
        status = self.services.workers(transform.request_id)
        if status is None:
            raise NotFound(f"Deployment not found: '{request_id}'")
        return DeploymentStatus(replicas=status.workers, ready_replicas=status.ready,
                                unavailable_replicas=max(0, status.workers - status.ready),
                                available_replicas=status.ready, states=dict(status.states), trouble=status.trouble,
                                notes=[*status.notes, *_kills(status)])


class Logs(ServiceXResource):
    """What the workers of a transform print."""

    @operation(answer=WorkerLogs, query=LogsQuery, failures=(503,))
    def get(self, request_id: str, query: LogsQuery) -> WorkerLogs:
        """The last lines of the workers there are; empty when there are none."""
        transform = self.services.transforms.get(caller(), request_id)
        return WorkerLogs(logs=self.services.logs(transform.request_id, query.tail))


def _kills(status: WorkersStatus) -> list[str]:
    """How often workers were killed, and why; each reason once."""
    counts = Counter(kill.reason for kill in status.kills)
    return [f"Workers killed: {count} ({reason})" for reason, count in counts.items()]
