"""Requests made from our own OpenAPI description, right ones and wrong ones: every answer is one it tells of."""
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from servicex.reference import openapi_document
from tests.fuzzing.fuzzed_server import FuzzedServer, bearer, url_token

API = schemathesis.openapi.from_dict(openapi_document())
# Whatever the request was.
ALWAYS = [not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
          checks.response_schema_conformance, checks.response_headers_conformance]
# What does not fit is refused. Parameters of a query that are not known here are left alone, though.
REFUSALS = [checks.unsupported_method, checks.negative_data_rejection]
HEALTHY_ANYWAY = list(HealthCheck)
SHORT = settings(max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=HEALTHY_ANYWAY)
LONG = settings(max_examples=400, derandomize=True, deadline=None, database=None, suppress_health_check=HEALTHY_ANYWAY)
PEOPLE = pytest.mark.parametrize("person", ["bob", "ada"])
Check = Callable[..., Any]


@pytest.fixture
def there(fuzzed: FuzzedServer, person: str) -> dict[str, str]:
    """What stands in paths for things that are there, and are this person's."""
    return fuzzed.path_values(person)


def ask(case: Case, fuzzed: FuzzedServer, person: str, wanted: list[Check]) -> None:
    """Send a request and check the answer. Nobody takes away the account that the tests go on with."""
    answer = case.call(base_url=fuzzed.address, headers=bearer(fuzzed.tokens[person]), timeout=60)
    case.validate_response(answer, checks=wanted)


def ask_of_what_is_there(case: Case, fuzzed: FuzzedServer, person: str, there: dict[str, str]) -> None:
    """Send a request about what is there."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = url_token(case.path, there) if name == "token" else there[name]
    ask(case, fuzzed, person, ALWAYS)


# Removes the accounts of the tests.
@PEOPLE
@API.exclude(path_regex="^/(users|pending)$", method="DELETE").parametrize()
@SHORT
def test_every_answer_is_one_that_is_described(case: Case, fuzzed: FuzzedServer, person: str) -> None:
    ask(case, fuzzed, person, [*ALWAYS, *REFUSALS] if not case.query else ALWAYS)


@PEOPLE
@API.include(path_regex="[{]").parametrize()
@SHORT
def test_every_answer_about_what_is_there_is_one_that_is_described(
        case: Case, fuzzed: FuzzedServer, person: str, there: dict[str, str]) -> None:
    ask_of_what_is_there(case, fuzzed, person, there)


@pytest.mark.long
@pytest.mark.timeout(600)
@PEOPLE
@API.exclude(path_regex="^/(users|pending)$", method="DELETE").parametrize()
@LONG
def test_every_answer_is_one_that_is_described_for_long(case: Case, fuzzed: FuzzedServer, person: str) -> None:
    ask(case, fuzzed, person, [*ALWAYS, *REFUSALS] if not case.query else ALWAYS)


@pytest.mark.long
@pytest.mark.timeout(600)
@PEOPLE
@API.include(path_regex="[{]").parametrize()
@LONG
def test_every_answer_about_what_is_there_is_one_that_is_described_for_long(
        case: Case, fuzzed: FuzzedServer, person: str, there: dict[str, str]) -> None:
    ask_of_what_is_there(case, fuzzed, person, there)
