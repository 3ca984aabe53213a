"""The callbacks of DID finders and transformers: what they found, what they made, and what went wrong.

None of them repeats what was answered with an error, so these routes wait where others would answer 503.
"""
import threading
from typing import Any, ClassVar

from servicex.api.callback_schemas import (FileCompleteBody, FileErrorBody, FilesTaken, FileStatusBody,
                                           FoundFilesBody, LookupCompleteBody, LookupErrorBody, Nothing, Ok,
                                           TransformStatusBody)
from servicex.api.auth import Access
from servicex.api.operation import operation
from servicex.api.resource import ServiceXResource
from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.launcher.base import Failure
from servicex.backends.patience import patiently
from servicex.capabilities import Kind
from servicex.errors import BadRequest, Forbidden, UnsupportedMediaType
from servicex.services.transformer_reports import SidecarReport

DATABASE_PATIENCE = 20.0
NOT_SAID = "none"


class Callback(ServiceXResource):
    """A route for whoever was handed its URL, which is about one dataset or one transform."""

    kind: ClassVar[Kind]
    subject: ClassVar[str]

    def dispatch_request(self, *args: Any, token: str | None = None, **path: Any) -> Any:
        """Answer, if the URL allows it; wait a while if the database is away. Raises Forbidden."""
        self._admit(token, str(path[self.subject]))
        answers: list[Any] = []

        def answer() -> None:
            answers.append(super(Callback, self).dispatch_request(*args, **path))
        patiently(answer, DATABASE_PATIENCE, threading.Event())
        return answers[0]

    def _admit(self, token: str | None, subject: str) -> None:
        if token is None and self.services.open_callbacks:
            return
        if token is None or not self.services.capabilities.allows(token, self.kind, subject):
            raise Forbidden("This address is for those who were handed it whole, by this server.")


class DatasetCallback(Callback):
    """A route about one dataset, for the finder that looks it up."""

    kind = "dataset"
    subject = "dataset_id"


class TransformCallback(Callback):
    """A route about one transform, for its transformers."""

    kind = "transform"
    subject = "request_id"


class LookupFiles(DatasetCallback):
    """The files of a dataset."""

    def dispatch_request(self, *args: Any, **path: Any) -> Any:
        """Answer; files that cannot be taken end the look-up, as the finder would go on without them."""
        try:
            return super().dispatch_request(*args, **path)
        except (BadRequest, UnsupportedMediaType) as error:
            self.services.finder_reports.refused(path["dataset_id"], error.message)
            raise

    @operation(answer=FilesTaken, body=FoundFilesBody, failures=(503,), access=Access.ANYONE)
    def put(self, dataset_id: int, body: FoundFilesBody) -> FilesTaken:
        """Add files to a dataset, one or many; those it has already are not added again."""
        self.services.finder_reports.files(dataset_id, [
            FoundFile(tuple(file.paths), file.adler32, file.file_size, file.file_events) for file in body.root])
        return FilesTaken(dataset_id=str(dataset_id))


class LookupComplete(DatasetCallback):
    """The end of a look-up."""

    @operation(answer=Nothing, body=LookupCompleteBody, failures=(503,), access=Access.ANYONE)
    def put(self, dataset_id: int, body: LookupCompleteBody) -> Nothing:
        """Say that all files were sent, and how many."""
        self.services.finder_reports.complete(dataset_id, body.files)
        return Nothing(None)


class LookupFailed(DatasetCallback):
    """The failure of a look-up."""

    @operation(answer=Nothing, body=LookupErrorBody, failures=(503,), access=Access.ANYONE)
    def put(self, dataset_id: int, body: LookupErrorBody) -> Nothing:
        """Say that the look-up failed: `does_not_exist`, `bad_name` or `internal_failure`."""
        known = body.error_type in {failure.value for failure in LookupFailure}
        reason = LookupFailure(body.error_type) if known else LookupFailure.INTERNAL_FAILURE
        self.services.finder_reports.failed(dataset_id, reason, body.message)
        return Nothing(None)


class FileComplete(TransformCallback):
    """The final word on one file."""

    @operation(answer=Ok, body=FileCompleteBody, failures=(503,), access=Access.ANYONE)
    def put(self, request_id: str, body: FileCompleteBody) -> Ok:
        """Report a file as done or failed. A repeated or late report changes nothing."""
        told = body.object_name not in ("", NOT_SAID)
        self.services.transformer_reports.file_complete(SidecarReport(
            request_id, body.file_id, body.status == "success", body.file_path, body.total_time, body.total_events,
            body.host, object_name=body.object_name[:1024] if told else None, object_size=body.object_size,
            attempts=body.attempts, failure=_failure(body.error)))
        return Ok("Ok")


def _failure(error: FileErrorBody | None) -> Failure | None:
    """Why a file failed, if that was told."""
    if error is None or not error.error_class:
        return None
    return Failure(error.error_class[:128], error.message or "No reason given.", error.trace, error.log)


class TransformerStatus(TransformCallback):
    """What transformers say of their transform."""

    @operation(answer=Nothing, body=TransformStatusBody, failures=(503,), access=Access.ANYONE)
    def post(self, request_id: str, body: TransformStatusBody) -> Nothing:
        """Say something of the transform as a whole; with the severity `fatal` it ends."""
        if body.severity.lower() == "fatal":
            self.services.transformer_reports.fatal(request_id, body.info)
        else:
            self.services.transformer_reports.said(request_id, body.source, body.severity, body.info)
        return Nothing(None)


class TransformerFileStatus(TransformCallback):
    """What transformers say of a file on the way."""

    @operation(answer=Ok, body=FileStatusBody, failures=(503,), access=Access.ANYONE)
    def post(self, request_id: str, file_id: int, body: FileStatusBody) -> Ok:
        """Keep what is said of a file: when, where, and what."""
        self.services.transformer_reports.file_event(request_id, file_id, body.status_code, body.at, body.pod_name,
                                                     body.info)
        return Ok("Ok")
