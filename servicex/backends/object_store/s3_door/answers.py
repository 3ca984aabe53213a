"""What goes back to an S3 client: status, headers, and a few bytes or a part of an object."""
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from xml.sax.saxutils import escape

from servicex.backends.object_store.base import Content
from servicex.backends.object_store.s3_door.faults import S3Fault

XML_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CHUNK = 256 * 1024
_CONTROL = re.compile("[\x00-\x1f\x7f\ufffe\uffff]")
# The results are made by users' code and come from the origin of our own pages: a browser must never run them.
_SAFE_IN_BROWSERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


@dataclass
class Answer:
    """An answer. `length` is that of the body in bytes; content is sent from where it stands, and closed."""

    status: HTTPStatus
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Content = b""
    length: int = 0


class ContentPart:
    """The next `length` bytes of some content in chunks, for WSGI; closes it.

    What goes wrong on the way is raised: only that makes the server drop the connection, by which the client knows.
    """

    def __init__(self, content: Content, length: int):
        self._content = content
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0:
            chunk = self._content.read(min(_CHUNK, self._left))
            if not chunk:
                return
            self._left -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Called by the server when all is sent or the client is gone."""
        self._content.close()


def new_request_id() -> str:
    """A random id in the form of S3's."""
    return secrets.token_hex(8).upper()


def header_list(answer: Answer, request_id: str) -> list[tuple[str, str]]:
    """All the headers of an answer."""
    common = {"Content-Length": str(answer.length), "x-amz-request-id": request_id, **_SAFE_IN_BROWSERS}
    if answer.status == HTTPStatus.NOT_MODIFIED:
        del common["Content-Length"]
    return list({**common, **answer.headers}.items())


def xml_answer(name: str, content: str, status: HTTPStatus = HTTPStatus.OK, namespace: str = XML_NAMESPACE) -> Answer:
    """An XML document with the one element `name`, whose content is XML already."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    body = f"{_DECLARATION}<{name}{attribute}>{content}</{name}>".encode()
    return Answer(status, {"Content-Type": "application/xml"}, body, len(body))


def fault_answer(fault: S3Fault, resource: str, request_id: str) -> Answer:
    """S3's error document. `resource` is the path that was asked for."""
    if fault.status == HTTPStatus.NOT_MODIFIED:
        return Answer(fault.status, fault.headers)
    elements = {"Code": fault.code, "Message": fault.message, "Resource": resource, "RequestId": request_id}
    content = "".join(element(name, text) for name, text in {**elements, **fault.details}.items())
    answer = xml_answer("Error", content, fault.status, namespace="")
    answer.headers.update(fault.headers)
    return answer


def element(name: str, text: str | int) -> str:
    """One XML element with text in it."""
    return f"<{name}>{_xml_text(str(text))}</{name}>"


def _xml_text(text: str) -> str:
    """Escaped; a control character becomes a reference, as S3 writes it although XML 1.0 does not allow most."""
    return _CONTROL.sub(lambda found: f"&#{ord(found[0])};", escape(text))
