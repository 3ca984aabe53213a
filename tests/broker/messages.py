"""Messages for the tests."""
from servicex.backends.broker.base import WorkMessage


def work(file_id: int, request_id: str = "r") -> WorkMessage:
    return WorkMessage(request_id, file_id, (f"/data/{file_id}.root",), "http://localhost", "object-store", "root-file")
