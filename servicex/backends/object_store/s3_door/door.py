"""The WSGI middleware that answers S3 clients and leaves everything else to the server's own application."""
import io
import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from servicex.backends.object_store.base import NoSuchBucket, NoSuchKey, ObjectStore
from servicex.backends.object_store.s3_door.answers import (Answer, ContentPart, fault_answer, header_list,
                                                            new_request_id, xml_answer)
from servicex.backends.object_store.s3_door.faults import (S3Fault, access_denied, no_such_bucket, no_such_key,
                                                           unreadable)
from servicex.backends.object_store.s3_door.listing import list_objects
from servicex.backends.object_store.s3_door.objects import get_object
from servicex.backends.object_store.s3_door.request import S3Request, encoded, is_for_s3, raw_target, read_request
from servicex.backends.object_store.s3_door.signatures import authenticate
from servicex.errors import Unavailable

# Parameters that make a GET another operation than reading or listing. S3 ignores what it does not know, so does the
# door; but these it knows.
REFUSED_PARAMETERS = frozenset((
    "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
    "inventory", "legal-hold", "lifecycle", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock", "replication",
    "requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads",
    "versionId", "versioning", "versions", "website"))

_log = logging.getLogger(__name__)


class S3Door:
    """WSGI middleware: a target `/<bucket>` or `/<bucket>/<key>` is S3's, all else goes to `app`.

    `clock` gives the time in seconds since 1970. The Host header must reach the door as the client sent it, since it
    is signed.
    """

    def __init__(self, app: WSGIApplication, store: ObjectStore, clock: Callable[[], float] = time.time):
        self._app = app
        self._store = store
        self._clock = clock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        target = raw_target(environ)
        if not is_for_s3(target):
            return self._app(environ, start_response)
        request_id = new_request_id()
        answer = self._answer(environ, target, request_id)
        start_response(f"{answer.status.value} {answer.status.phrase}", header_list(answer, request_id))
        return _body(environ, answer)

    def _answer(self, environ: WSGIEnvironment, target: str, request_id: str) -> Answer:
        try:
            return self._granted(read_request(environ, target))
        except S3Fault as fault:
            return fault_answer(fault, _resource(target), request_id)
        except OSError:
            _log.exception("The object store cannot be read.")
            return fault_answer(unreadable(), _resource(target), request_id)
        except Unavailable as error:
            _log.warning("The object store does not answer: %s", error)
            return fault_answer(unreadable(), _resource(target), request_id)

    def _granted(self, request: S3Request) -> Answer:
        if request.method not in ("GET", "HEAD") or REFUSED_PARAMETERS & request.parameters.keys():
            raise access_denied("Results can be read and listed, nothing else.")
        authenticate(request, self._store.credentials(request.bucket), self._clock())
        try:
            return self._read(request)
        except NoSuchBucket as error:
            raise no_such_bucket() from error
        except NoSuchKey as error:
            raise no_such_key() from error

    def _read(self, request: S3Request) -> Answer:
        if request.key:
            return get_object(self._store, request)
        if "location" not in request.parameters and request.method == "GET":
            return list_objects(self._store, request)
        if not self._store.exists(request.bucket):
            raise no_such_bucket()
        if "location" in request.parameters:
            return xml_answer("LocationConstraint", "")  # which is how S3 writes us-east-1
        return Answer(HTTPStatus.OK)


def _resource(target: str) -> str:
    return encoded(target.partition("?")[0].encode("latin-1", "replace"), safe="/%")


def _body(environ: WSGIEnvironment, answer: Answer) -> Iterable[bytes]:
    if isinstance(answer.body, bytes):
        return [answer.body] if answer.body and environ["REQUEST_METHOD"] != "HEAD" else []
    wrapper = environ.get("wsgi.file_wrapper")
    # The server's own way ends at Content-Length (PEP 3333) and takes no thread while a slow client reads.
    if wrapper and isinstance(answer.body, io.FileIO):
        return wrapper(answer.body)
    return ContentPart(answer.body, answer.length)
