"""Asking an S3 store for sizes: it is done for every file of every transform, where boto3 costs milliseconds of CPU."""
import os
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from servicex.backends.object_store.s3_client import CONNECTIONS, S3Endpoint, StoreAnswered
from servicex.errors import Unavailable


class ObjectSizes:
    """Sends the HEAD itself, signed and carried by boto3's own parts. May be used from any thread."""

    def __init__(self, endpoint: S3Endpoint, connect_seconds: float, read_seconds: float, attempts: int):
        self._url = endpoint.url
        self._attempts = attempts
        self._signer = S3SigV4Auth(Credentials(endpoint.access_key, endpoint.secret_key), "s3", endpoint.region)
        # Certificates and proxies are found as boto3 finds them.
        certificates = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True
        self._session = URLLib3Session(
            verify=certificates, proxies=get_environ_proxies(endpoint.url), timeout=(connect_seconds, read_seconds),
            max_pool_connections=CONNECTIONS)

    def size(self, bucket: str, key: str) -> int | None:
        """The bytes of the object, None if it is not there. Raises Unavailable."""
        url = f"{self._url}/{bucket}/{quote(key, safe='/~')}"
        for _ in range(self._attempts - 1):
            try:
                return self._ask(url)
            except Unavailable:
                continue
        return self._ask(url)

    def _ask(self, url: str) -> int | None:
        try:
            answer = self._session.send(self._signed(url))
        except BotoCoreError as error:
            raise Unavailable("The object store does not answer just now.") from error
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise StoreAnswered(str(answer.status_code))
        return int(answer.headers["Content-Length"])

    def _signed(self, url: str) -> AWSPreparedRequest:
        request = AWSRequest("HEAD", url)
        self._signer.add_auth(request)
        return request.prepare()
