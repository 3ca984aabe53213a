"""The query of a request, read as Kubernetes reads it."""
from collections.abc import Mapping

from tests.kubernetes.fake.errors import bad_request

Query = Mapping[str, str]


def is_true(query: Query, name: str) -> bool:
    """Whether it says yes. The Python client writes `True`."""
    return query.get(name) in ("1", "t", "T", "true", "TRUE", "True")


def whole_number(query: Query, name: str) -> int:
    """The number, 0 if there is none; raises ApiError 400 for anything else."""
    try:
        return int(query.get(name) or 0)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{query[name]}": invalid syntax') from None
