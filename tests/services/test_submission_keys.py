"""Idempotency keys: a submission that is sent again gives the transform of the first."""
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from servicex.backends.code_generator.base import GeneratedCode
from servicex.errors import KeyReused
from servicex.models import SubmissionKey, TransformRequest
from servicex.services.caller import SINGLE_USER, Caller
from servicex.services.submissions import Submission
from tests.databases import Echo, House

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
BODY = Submission("echo", "x", "root-file", file_list=["/a", "/b"])
OTHER = Submission("echo", "x", "root-file", file_list=["/a"])


def count(house: House, table: type[TransformRequest] | type[SubmissionKey]) -> int | None:
    with house.transactions.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_same_key_gives_the_same_transform(house: House) -> None:
    first = house.transforms.submit(SINGLE_USER, BODY, KEY)
    woken = house.woken
    again = house.transforms.submit(SINGLE_USER, BODY, KEY)
    assert (again.request_id, again.id) == (first.request_id, first.id)
    assert count(house, TransformRequest) == 1 and house.woken == woken


def test_same_key_with_another_submission_is_refused(house: House) -> None:
    house.transforms.submit(SINGLE_USER, BODY, KEY)
    with pytest.raises(KeyReused, match="Idempotency-Key"):
        house.transforms.submit(SINGLE_USER, OTHER, KEY)
    assert count(house, TransformRequest) == 1


def test_without_a_key_and_with_another_one_it_is_another_transform(house: House) -> None:
    ids = {house.transforms.submit(SINGLE_USER, BODY, key).request_id for key in (None, None, "a", "b")}
    assert len(ids) == 4


def test_keys_of_two_people_have_nothing_to_do_with_each_other(house: House) -> None:
    mine = house.transforms.submit(SINGLE_USER, BODY, KEY)
    with pytest.raises(Exception, match="FOREIGN KEY|foreign key"):     # That user has no row; but the key was free.
        house.transforms.submit(Caller(user_id=77, admin=False), OTHER, KEY)
    assert house.transforms.submit(SINGLE_USER, BODY, KEY).id == mine.id


class Together(Echo):
    """Lets the submissions go on only when all of them have come as far as this."""

    def __init__(self, parties: int):
        self.barrier = Barrier(parties)

    def generate(self, name: str, selection: str) -> GeneratedCode:
        self.barrier.wait(30)
        return super().generate(name, selection)


@pytest.mark.parametrize("bodies", [[BODY] * 4, [BODY, OTHER, BODY, OTHER]])
def test_keys_that_come_at_the_same_moment_make_one_transform(house: House, bodies: list[Submission]) -> None:
    house.transforms._generators["echo"] = Together(len(bodies))

    def submit(body: Submission) -> str:
        try:
            return house.transforms.submit(SINGLE_USER, body, KEY).request_id
        except KeyReused:
            return "refused"
    with ThreadPoolExecutor(len(bodies)) as threads:
        given = list(threads.map(submit, bodies))
    assert count(house, TransformRequest) == count(house, SubmissionKey) == 1
    (winner,) = set(given) - {"refused"}
    served = [body for body, answer in zip(bodies, given, strict=True) if answer == winner]
    assert served == [body for body in bodies if body is served[0]], "all with the winner's body get its transform"


def test_submission_that_failed_leaves_its_key_free(house: House) -> None:
    with pytest.raises(Exception, match="Invalid codegen"):
        house.transforms.submit(SINGLE_USER, Submission("nobody", "x", "root-file", did="test://a"), KEY)
    assert house.transforms.submit(SINGLE_USER, BODY, KEY).files == 2


def test_key_goes_with_its_transform(house: House) -> None:
    first = house.transforms.submit(SINGLE_USER, BODY, KEY)
    house.transforms.cancel(SINGLE_USER, first.request_id)
    assert house.transforms.submit(SINGLE_USER, BODY, KEY).id == first.id, "it is still there to be looked at"
    house.transforms.delete(SINGLE_USER, first.request_id)
    assert house.transforms.submit(SINGLE_USER, OTHER, KEY).id != first.id
