"""What these tests ask of a running server: submit, wait for the end, read why files failed and what was stored."""
import base64
import textwrap
import time
from collections.abc import Sequence
from typing import Any

import boto3
import requests
from botocore.config import Config

from tests.running_server import RunningServer

RAW = '[{"treename": "mini", "filter_name": "pt"}]'
FINAL = {"Complete", "Fatal", "Canceled", "Bad Dataset"}
Record = dict[str, Any]


def python(source: str) -> str:
    """The selection for a Python function of this source."""
    return base64.b64encode(textwrap.dedent(source).encode()).decode()


class Service:
    """The API of one server, from a physicist's side."""

    def __init__(self, server: RunningServer):
        self.server = server
        self._url = f"{server.address}/servicex/transformation"

    def post(self, files: Sequence[Any] | None, selection: str = RAW, codegen: str = "uproot-raw",
             **more: Any) -> requests.Response:
        """Send a submission, and give the answer whatever it is."""
        body = {"file-list": None if files is None else [str(file) for file in files], "selection": selection,
                "codegen": codegen, "result-format": "root-file", "result-destination": "object-store", **more}
        return requests.post(self._url, json=body, timeout=60)

    def submit(self, files: Sequence[Any] | None, selection: str = RAW, codegen: str = "uproot-raw",
               **more: Any) -> str:
        """Submit a transform that is accepted; its request id."""
        answer = self.post(files, selection, codegen, **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["request_id"])

    def submit_python(self, source: str, files: Sequence[Any], **more: Any) -> str:
        """Submit a Python function of this source."""
        return self.submit(files, python(source), "python", **more)

    def record(self, request_id: str) -> Record:
        """The record of a transform as it is now."""
        answer = requests.get(f"{self._url}/{request_id}", timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def end(self, request_id: str, seconds: float = 150) -> Record:
        """The record of a transform when it has ended."""
        deadline = time.monotonic() + seconds
        while (record := self.record(request_id))["status"] not in FINAL:
            assert time.monotonic() < deadline, f"not ended within {seconds} s: {record}"
            time.sleep(0.05)
        return record

    def errors(self, request_id: str) -> list[Record]:
        """Why files of a transform failed."""
        return list(requests.get(f"{self._url}/{request_id}/errors", timeout=30).json()["errors"])

    def results(self, request_id: str) -> list[Record]:
        """The results of a transform, failures among them."""
        return list(requests.get(f"{self._url}/{request_id}/results", timeout=30).json()["results"])

    def cancel(self, request_id: str) -> None:
        """Cancel a transform that runs."""
        answer = requests.post(f"{self._url}/{request_id}/cancel", timeout=30)
        assert answer.status_code == 200, answer.text

    def objects(self, request_id: str) -> dict[str, bytes]:
        """What is to be had of a transform through the S3 door: key to content."""
        record = self.record(request_id)
        door = boto3.client(
            "s3", endpoint_url=f"http://{record['minio-endpoint']}", region_name="us-east-1",
            aws_access_key_id=record["minio-access-key"], aws_secret_access_key=record["minio-secret-key"],
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))
        keys = [it["Key"] for it in door.list_objects_v2(Bucket=request_id).get("Contents", [])]
        return {key: door.get_object(Bucket=request_id, Key=key)["Body"].read() for key in keys}


def check_accounts(service: Service, request_id: str) -> None:
    """Every file has one result, the counters say so, and every success and nothing else is an object."""
    record, results = service.record(request_id), service.results(request_id)
    done = [result for result in results if result["transform_status"] == "success"]
    assert len(results) == len({result["file-id"] for result in results}) == record["files"]
    assert (record["files-completed"], record["files-failed"], record["files-remaining"]) == (
        len(done), len(results) - len(done), 0)
    sizes = {key: len(content) for key, content in service.objects(request_id).items()}
    assert sizes == {result["s3-object-name"]: result["total-bytes"] for result in done}
