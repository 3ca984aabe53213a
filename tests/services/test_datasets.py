"""Datasets: looked up once for all who ask, never kept when the look-up failed."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from servicex.backends.did_finder.base import FoundFile, LookupEnded, LookupFailure
from servicex.backends.launcher.base import FileReport
from servicex.errors import InvalidDataset, NotFound
from servicex.models import Dataset, DatasetFile, TransformRequest, TransformStatus
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER
from tests.databases import House, found


def look_up(house: House, transform: TransformRequest, *files: str) -> None:
    house.begin_lookups()
    house.datasets.files(transform.did_id, found(*files))
    house.datasets.complete(transform.did_id)


@pytest.mark.parametrize("did, files", [(None, None), (None, []), ("test://a", ["/a"]), ("", [])])
def test_exactly_one_of_did_and_list(house: House, did: str | None, files: list[str] | None) -> None:
    with pytest.raises(InvalidDataset, match="Must provide did or file-list but not both"):
        house.datasets.check(did, files)


def test_unknown_scheme_names_the_known_ones(house: House) -> None:
    with pytest.raises(InvalidDataset, match="DID scheme is not supported: rucio. Supported here: test"):
        house.datasets.check("rucio://a:b", None)


def test_did_without_scheme_gets_the_default(house: House) -> None:
    assert house.datasets.check("some:name", None).name == "test://some:name"
    with pytest.raises(InvalidDataset, match="carrier-pigeon"):
        house.datasets.check("carrier-pigeon://x", None)


def test_file_named_twice_counts_once(house: House) -> None:
    transform = house.submit(files=["/a", "/b", "/a"])
    assert (transform.files, len(house.file_ids(transform))) == (2, 2)


def test_same_list_is_the_same_dataset_in_any_order(house: House) -> None:
    assert house.submit(files=["/a", "/b"]).did_id == house.submit(files=["/b", "/a", "/b"]).did_id
    assert house.submit(files=["/a"]).did_id != house.submit(files=["/a", "/b"]).did_id


def test_simultaneous_submissions_share_one_lookup(house: House) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: house.submit(did="test://new"), range(8)))
    assert len({t.did_id for t in made}) == 1
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: house.begin_lookups(), range(8)))
    assert len(house.finder.asked) == 1


def test_simultaneous_submissions_of_one_list(house: House) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: house.submit(files=["/a", "/b"]), range(8)))
    assert len({t.did_id for t in made}) == 1
    assert [t.files for t in made] == [2] * 8


def test_all_who_wait_are_fed_while_files_stream_in(house: House) -> None:
    first = house.submit(did="test://d")
    house.begin_lookups()
    second = house.submit(did="test://d")
    assert (house.get(first).status, second.status) == (TransformStatus.LOOKUP, TransformStatus.PENDING_LOOKUP)
    house.datasets.files(first.did_id, found("/a", "/b"))
    house.datasets.files(first.did_id, found("/b", "/c"))
    assert [house.get(t).files for t in (first, second)] == [3, 3]
    house.datasets.complete(first.did_id)
    assert {house.get(t).status for t in (first, second)} == {TransformStatus.RUNNING}
    dataset, files = house.datasets.get(SINGLE_USER, first.did_id)
    assert (dataset.n_files, dataset.size, dataset.events, len(list(files))) == (3, 30, 6, 3)


def test_complete_dataset_is_used_again_until_it_is_too_old(house: House) -> None:
    first = house.submit(did="test://d")
    look_up(house, first, "/a")
    again = house.submit(did="test://d")
    assert (again.did_id, again.status, again.files) == (first.did_id, TransformStatus.RUNNING, 1)
    house.datasets._lifetime = lambda scheme: 0.0
    aged = house.submit(did="test://d")
    assert aged.did_id != first.did_id and aged.status is TransformStatus.SUBMITTED


@pytest.mark.parametrize("reason", list(LookupFailure))
def test_failed_lookup_ends_its_transforms_and_is_not_kept(house: House, reason: LookupFailure) -> None:
    transforms = [house.submit(did="test://d"), house.submit(did="test://d")]
    house.begin_lookups()
    house.datasets.files(transforms[0].did_id, found("/half"))
    house.datasets.failed(transforms[0].did_id, reason, "why")
    for transform in transforms:
        ended = house.get(transform)
        assert (ended.status.text, ended.failure_description) == ("Bad Dataset", "why")
        assert ended.finish_time is not None
    dataset, _ = house.datasets.get(SINGLE_USER, transforms[0].did_id)
    assert (dataset.lookup_status, dataset.is_stale) == (reason.value, True)
    assert house.submit(did="test://d").did_id != transforms[0].did_id


def test_empty_dataset_does_not_exist(house: House) -> None:
    transform = house.submit(did="test://empty")
    house.begin_lookups()
    house.datasets.complete(transform.did_id)
    assert house.get(transform).status is TransformStatus.BAD_DATASET
    assert house.datasets.get(SINGLE_USER, transform.did_id)[0].lookup_status == "does_not_exist"


def test_finder_that_goes_on_after_the_end_is_told_so(house: House) -> None:
    transform = house.submit(did="test://d")
    look_up(house, transform, "/a")
    for late in (lambda: house.datasets.files(transform.did_id, found("/b")),
                 lambda: house.datasets.complete(transform.did_id),
                 lambda: house.datasets.failed(transform.did_id, LookupFailure.BAD_NAME, "")):
        with pytest.raises(LookupEnded):
            late()
    assert house.get(transform).files == 1


def test_silent_finder_is_asked_again_and_then_given_up(house: House) -> None:
    transform = house.submit(did="test://d")
    for _ in range(3):
        for dataset_id in house.datasets.open_lookups():
            house.datasets.begin_lookup(dataset_id, seconds=-1, attempts=2)
    assert house.finder.asked == [transform.did_id] * 2
    ended = house.get(transform)
    assert ended.status is TransformStatus.BAD_DATASET
    assert "The finder for test gave no answer within -1 s, 2 times." in str(ended.failure_description)


def test_finder_that_sends_files_now_and_then_is_not_silent(house: House) -> None:
    transform = house.submit(did="test://d")
    house.datasets.begin_lookup(transform.did_id, seconds=-1, attempts=1)
    assert house.datasets.open_lookups() == [transform.did_id]
    house.datasets.files(transform.did_id, found("/a"))
    assert not house.datasets.open_lookups()
    house.datasets.begin_lookup(transform.did_id, seconds=60, attempts=1)
    assert house.get(transform).status is TransformStatus.LOOKUP


def test_former_attempt_that_wakes_up_does_no_harm(house: House) -> None:
    transform = house.submit(did="test://d")
    for _ in range(2):
        house.datasets.begin_lookup(transform.did_id, seconds=-1, attempts=2)
    house.datasets.files(transform.did_id, [FoundFile(("root://x//a", "root://y//a"))])
    house.datasets.files(transform.did_id, [FoundFile(("root://y//a", "root://x//a")), *found("/b")])
    house.datasets.files(transform.did_id, found("/b"))
    house.datasets.complete(transform.did_id)
    with pytest.raises(LookupEnded):
        house.datasets.files(transform.did_id, found("/b"))
    assert (house.get(transform).files, len(house.file_ids(transform))) == (2, 2)


def test_finder_that_cannot_be_asked_is_asked_later_at_no_cost(house: House) -> None:
    transform = house.submit(did="test://d")
    house.finder.away = True
    for _ in range(3):
        house.datasets.begin_lookup(transform.did_id, seconds=60, attempts=1)
        dataset = house.datasets.get(SINGLE_USER, transform.did_id)[0]
        assert (dataset.lookup_status, dataset.lookup_attempts) == ("created", 0)
        assert dataset.lookup_deadline is not None and dataset.lookup_deadline > now()
        assert not house.datasets.open_lookups(), "not at once"
        with house.transactions.write() as session:
            session.execute(update(Dataset).values(lookup_deadline=None))
    house.finder.away = False
    house.datasets.begin_lookup(transform.did_id, seconds=60, attempts=1)
    assert house.finder.asked == [transform.did_id]


def test_restart_begins_lookups_anew(house: House) -> None:
    house.submit(did="test://d")
    house.begin_lookups()
    assert not house.datasets.open_lookups()
    house.datasets.forget_lookups()
    house.begin_lookups()
    assert len(house.finder.asked) == 2


def test_deleted_dataset_is_looked_up_anew_and_shown_only_when_asked_for(house: House) -> None:
    transform = house.submit(did="test://d")
    look_up(house, transform, "/a")
    assert house.datasets.delete(SINGLE_USER, transform.did_id).is_stale
    with pytest.raises(InvalidDataset):
        house.datasets.delete(SINGLE_USER, transform.did_id)
    assert [d.id for d in house.datasets.list(SINGLE_USER, None, show_deleted=False)] == []
    assert [d.id for d in house.datasets.list(SINGLE_USER, "test", show_deleted=True)] == [transform.did_id]
    assert house.get(transform).status is TransformStatus.RUNNING, "what runs on it goes on"
    assert house.submit(did="test://d").did_id != transform.did_id


def test_refresh_makes_a_new_row_and_looks_it_up(house: House) -> None:
    transform = house.submit(did="test://d")
    look_up(house, transform, "/a")
    fresh = house.datasets.refresh(SINGLE_USER, transform.did_id)
    assert fresh.id != transform.did_id and fresh.name == "test://d"
    assert house.datasets.refresh(SINGLE_USER, transform.did_id).id == fresh.id, "one look-up at a time"
    house.begin_lookups()
    house.datasets.files(fresh.id, found("/a", "/new"))
    house.datasets.complete(fresh.id)
    assert (house.get(transform).files, house.submit(did="test://d").files) == (1, 2)


def test_list_cannot_be_refreshed_and_unknown_ids_are_not_found(house: House) -> None:
    with pytest.raises(InvalidDataset):
        house.datasets.refresh(SINGLE_USER, house.submit(files=["/a"]).did_id)
    for ask in (house.datasets.get, house.datasets.delete, house.datasets.refresh):
        with pytest.raises(NotFound):
            ask(SINGLE_USER, 10 ** 6)


def test_large_list_is_stored_once(house: House) -> None:
    files = [f"root://host//data/file_{n}.root" for n in range(20_000)]
    transform = house.submit(files=files)
    assert house.submit(files=files).did_id == transform.did_id
    with house.transactions.read() as session:
        assert session.scalar(select(func.count()).select_from(DatasetFile)) == 20_000
        assert session.scalar(select(func.count()).select_from(Dataset)) == 1


def test_lookup_that_completes_as_it_is_given_up_stays_complete(house: House) -> None:
    transform = house.submit(did="test://d")
    house.datasets.begin_lookup(transform.did_id, seconds=-1, attempts=1)
    overdue = list(house.datasets.open_lookups())
    house.datasets.files(transform.did_id, found("/a"))
    house.datasets.complete(transform.did_id)
    for dataset_id in overdue:
        house.datasets.begin_lookup(dataset_id, seconds=60, attempts=1)
    assert overdue and house.datasets.get(SINGLE_USER, transform.did_id)[0].lookup_status == "complete"
    assert house.get(transform).status is TransformStatus.RUNNING


def test_lookup_that_is_known_to_go_on_costs_no_attempt(house: House) -> None:
    transform = house.submit(did="test://d")
    house.datasets.begin_lookup(transform.did_id, seconds=-1, attempts=1)
    house.finder.goes_on = True
    house.datasets.begin_lookup(transform.did_id, seconds=60, attempts=1)
    assert house.get(transform).status is TransformStatus.LOOKUP
    assert house.finder.asked == [transform.did_id]


def test_finder_and_reports_do_not_wait_for_each_other_in_a_circle(house: House) -> None:
    """Two transforms of one dataset report while more files come in: no call may fail."""
    made = [house.submit(did="test://d") for _ in range(2)]
    house.begin_lookups()
    house.datasets.files(made[0].did_id, found(*(f"/{n}" for n in range(40))))
    reports = [FileReport(t.request_id, i, "success", "/a", 1.0, 1, "h", object_name=f"o{i}", object_size=1)
               for i in house.file_ids(made[0]) for t in reversed(made)]
    with ThreadPoolExecutor(6) as threads:
        found_more = [threads.submit(house.datasets.files, made[0].did_id, found(f"/more{n}")) for n in range(40)]
        done = [threads.submit(house.results.report, report) for report in reports]
        for one in found_more + done:
            one.result()
    assert [(house.get(t).files, house.get(t).files_completed) for t in made] == [(80, 40), (80, 40)]
