"""Transforms submitted once more."""
import pytest

from servicex.backends.launcher.base import Failure, FileReport
from servicex.errors import BadRequest, Forbidden, NotFound
from servicex.models import TransformRequest, TransformStatus
from servicex.services.caller import SINGLE_USER, Caller
from servicex.services.repeats import RepeatService
from tests.databases import House, found


@pytest.fixture
def repeats(house: House) -> RepeatService:
    """What submits again."""
    return RepeatService(house.transactions, house.transforms, house.datasets)


def ended(house: House, transform: TransformRequest, failing: int) -> TransformRequest:
    """The transform after all files were reported, the first ones as failures."""
    for place, file_id in enumerate(house.file_ids(transform)):
        fails = place < failing
        house.results.report(FileReport(
            transform.request_id, file_id, "failure" if fails else "success", f"/{place}", 1.0, 1, "host", 5,
            None if fails else f"o{place}", None if fails else 10, Failure("KeyError", "no") if fails else None))
    return house.get(transform)


def paths(house: House, transform: TransformRequest) -> list[tuple[str, ...]]:
    """The replicas of the transform's files."""
    return [file.paths for file in house.datasets.get(SINGLE_USER, transform.did_id)[1]]


def test_retry_is_a_new_transform_of_the_failed_files_only(house: House, repeats: RepeatService) -> None:
    old = ended(house, house.submit(files=["/a", "/b", "/c"]), failing=2)
    assert old.status is TransformStatus.COMPLETE
    new = repeats.retry(SINGLE_USER, old.request_id)
    assert new.request_id != old.request_id and (new.files, new.retry_of) == (2, old.id)
    assert paths(house, new) == [("/a",), ("/b",)]
    assert (new.title, new.selection, new.codegen, new.result_format) == (
        old.title, old.selection, old.codegen, old.result_format)
    assert new.status is TransformStatus.RUNNING
    assert house.get(old).files_failed == 2, "the old one stays as it is"


def test_replicas_and_sizes_of_failed_files_are_kept(house: House, repeats: RepeatService) -> None:
    transform = house.submit(did="test://some")
    house.begin_lookups()
    house.datasets.files(transform.did_id, found("/a", "/b"))
    house.datasets.complete(transform.did_id)
    old = ended(house, house.get(transform), failing=1)
    dataset, files = house.datasets.get(SINGLE_USER, repeats.retry(SINGLE_USER, old.request_id).did_id)
    assert [(f.paths, f.file_size, f.file_events) for f in files] == [(("/a",), 10, 2)] and dataset.size == 10


def test_running_again_looks_a_forgotten_dataset_up_anew(house: House, repeats: RepeatService) -> None:
    transform = house.submit(did="test://some")
    house.transforms.cancel(SINGLE_USER, transform.request_id)
    again = repeats.run_again(SINGLE_USER, transform.request_id)
    assert (again.did, again.did_id, again.retry_of) == ("test://some", transform.did_id, None)
    house.datasets.delete(SINGLE_USER, transform.did_id)
    assert repeats.run_again(SINGLE_USER, transform.request_id).did_id != transform.did_id


def test_list_is_run_again_without_its_entries(house: House, repeats: RepeatService) -> None:
    old = ended(house, house.submit(files=["/a", "/b"]), failing=0)
    again = repeats.run_again(SINGLE_USER, old.request_id)
    assert again.did_id == old.did_id and again.files == 2


def test_what_has_not_ended_or_not_failed_is_not_tried_again(house: House, repeats: RepeatService) -> None:
    transform = house.submit(files=["/a"])
    for again in (repeats.retry, repeats.run_again):
        with pytest.raises(BadRequest, match="still in progress"):
            again(SINGLE_USER, transform.request_id)
    ended(house, transform, failing=0)
    with pytest.raises(BadRequest, match="No file of this transform failed"):
        repeats.retry(SINGLE_USER, transform.request_id)


def test_others_transforms_are_not_there(house: House, repeats: RepeatService) -> None:
    old = ended(house, house.submit(files=["/a"]), failing=1)
    for again in (repeats.retry, repeats.run_again):
        with pytest.raises(NotFound):
            again(Caller(77, False), old.request_id)


def test_all_that_runs_is_canceled_at_once(house: House) -> None:
    running = [house.submit(files=[f"/{number}"]) for number in range(3)]
    done = ended(house, house.submit(files=["/x"]), failing=0)
    with pytest.raises(Forbidden):
        house.transforms.cancel_running(Caller(77, False), everybodys=True)
    assert house.transforms.cancel_running(Caller(77, False)) == 0
    assert house.transforms.cancel_running(SINGLE_USER) == 3
    for transform in running:
        now = house.get(transform)
        assert now.status is TransformStatus.CANCELED and now.finish_time is not None
    assert house.get(done).status is TransformStatus.COMPLETE
    assert house.transforms.cancel_running(SINGLE_USER) == 0
