"""Transforms: submit, list, look at, cancel, delete."""
from collections.abc import Iterator

from flask import Response

from servicex.api.auth import caller
from servicex.api.operation import operation
from servicex.api.records import failure_record, result_record, status_record, transform_record
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import (DeploymentStatus, ErrorsQuery, FailureList, ListQuery, Message, ResultList,
                                  ResultsQuery, StatusQuery, StatusRecord, SubmitBody, TransformList, TransformRecord)
from servicex.errors import NotFound
from servicex.models import TransformResult
from servicex.services.transforms import Submission


class Transforms(ServiceXResource):
    """All transforms."""

    @operation(answer=TransformRecord, body=SubmitBody, failures=(400, 413, 415, 502, 503, 504))
    def post(self, body: SubmitBody) -> TransformRecord:
        """Submit a transform. The answer is its full record, `request_id` first."""
        submission = Submission(
            codegen=body.codegen, selection=body.selection, result_format=body.result_format,
            result_destination=body.result_destination, did=body.did, file_list=body.file_list, title=body.title,
            workers=body.workers, tree_name=body.tree_name)
        transform = self.services.transforms.submit(caller(), submission)
        return transform_record(transform, self.services.access(transform))

    @operation(answer=TransformList, query=ListQuery, failures=(400,))
    def get(self, query: ListQuery) -> TransformList:
        """The transforms the caller may see, oldest first, without what their results are read with."""
        found = self.services.transforms.list(caller(), query.submitted_by)
        return TransformList(requests=[transform_record(t) for t in found])


class Transform(ServiceXResource):
    """One transform."""

    @operation(answer=TransformRecord, failures=(404,))
    def get(self, request_id: str) -> TransformRecord:
        """The full record of a transform, with where its results are and what to read them with."""
        transform = self.services.transforms.get(caller(), request_id)
        return transform_record(transform, self.services.access(transform))

    @operation(failures=(400, 404))
    def delete(self, request_id: str) -> Message:
        """Delete a transform that has ended, with its results."""
        self.services.transforms.delete(caller(), request_id)
        return Message(message=f"Transformation request {request_id} deleted")


class Status(ServiceXResource):
    """How far a transform is."""

    @operation(answer=StatusRecord, query=StatusQuery, failures=(400, 404))
    def get(self, request_id: str, query: StatusQuery) -> StatusRecord:
        """State, counts and sums; with `details` every result as well."""
        transforms = self.services.transforms
        transform = transforms.get(caller(), request_id)
        details = list(transforms.results(caller(), request_id)) if query.details else None
        return status_record(transform, request_id, transforms.statistics(transform), details)


class Results(ServiceXResource):
    """The results of a transform."""

    @operation(answer=ResultList, query=ResultsQuery, failures=(400, 404))
    def get(self, request_id: str, query: ResultsQuery) -> Response:
        """The results from `later_than` on, that time included, so that a client which asks again misses none."""
        found = self.services.transforms.results(caller(), request_id, query.later_than, query.limit)
        return Response(_stream(found), mimetype="application/json")


def _stream(results: Iterator[TransformResult]) -> Iterator[str]:
    """The answer in pieces, so that a transform of any size takes little memory."""
    yield '{"results":['
    for number, result in enumerate(results):
        yield ("," if number else "") + result_record(result).model_dump_json(by_alias=True)
    yield "]}\n"


class Errors(ServiceXResource):
    """The failures of a transform."""

    @operation(answer=FailureList, query=ErrorsQuery, failures=(400, 404))
    def get(self, request_id: str, query: ErrorsQuery) -> FailureList:
        """The files that failed: why, where, after how many attempts, and what the worker last printed."""
        failed = self.services.transforms.failures(caller(), request_id, query.limit)
        return FailureList(errors=[failure_record(result, file) for result, file in failed])


class Cancel(ServiceXResource):
    """The cancelling of a transform."""

    @operation(failures=(400, 404))
    def post(self, request_id: str) -> Message:
        """Cancel a transform; its workers stop within a second, and the results it has so far stay."""
        self.services.transforms.cancel(caller(), request_id)
        return Message(message=f"Canceled transformation request {request_id}")

    @operation(failures=(400, 404))
    def get(self, request_id: str) -> Message:
        """The same as POST, for clients that know only this."""
        self.services.transforms.cancel(caller(), request_id)
        return Message(message=f"Canceled transformation request {request_id}")


class Workers(ServiceXResource):
    """The workers of a transform."""

    @operation(answer=DeploymentStatus, failures=(404,))
    def get(self, request_id: str) -> DeploymentStatus:
        """How many workers a transform has, and what they do; 404 when it has none."""
        transform = self.services.transforms.get(caller(), request_id)
        status = self.services.workers(transform.request_id)
        if status is None:
            raise NotFound(f"Deployment not found: '{request_id}'")
        return DeploymentStatus(replicas=status.workers, ready_replicas=status.workers, unavailable_replicas=0,
                                available_replicas=status.workers, states=dict(status.states))
