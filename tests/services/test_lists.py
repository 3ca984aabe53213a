"""Long lists: page by page, in order, nothing twice and nothing left out."""
import pytest

from servicex.backends.launcher.base import FileReport
from servicex.services import transforms as limits
from servicex.services.caller import SINGLE_USER
from servicex.services.paging import in_pages
from tests.databases import House


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 6, 7])
@pytest.mark.parametrize("limit", [None, 0, 1, 3, 4, 6, 100])
def test_pages_are_what_the_whole_would_be(rows: int, limit: int | None) -> None:
    asked: list[int] = []

    def read(after: int | None, at_most: int) -> list[int]:
        asked.append(at_most)
        return list(range(rows))[(-1 if after is None else after) + 1:][:at_most]
    assert list(in_pages(read, lambda row: row, None, 3, limit)) == list(range(rows))[:limit]
    assert all(number <= 3 for number in asked) and len(asked) <= rows // 3 + 1


def test_lists_longer_than_a_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TRANSFORMS_PAGE", 2)
    monkeypatch.setattr(limits, "RESULTS_PAGE", 2)
    monkeypatch.setattr(limits, "FAILURES_PAGE", 2)
    made = [house.submit(files=["/a", f"/{number}"]) for number in range(5)]
    transform = house.submit(files=[f"/{number}" for number in range(7)])
    ids = house.file_ids(transform)
    for file_id in ids:
        house.results.report(FileReport(transform.request_id, file_id, "failure", "/a", 1.0, 1, "h"))
    everything = [t.id for t in made] + [transform.id]
    listed = house.transforms.list(SINGLE_USER)
    assert [t.id for t in listed] == everything
    assert [t.id for t in house.transforms.list(SINGLE_USER, after=everything[1], limit=3)] == everything[2:5]
    datasets = [d.id for d in house.datasets.list(SINGLE_USER, None, show_deleted=False)]
    assert datasets == sorted({t.did_id for t in [*made, transform]}, reverse=True)
    before = house.datasets.list(SINGLE_USER, None, show_deleted=False, before=datasets[1], limit=2)
    assert [d.id for d in before] == datasets[2:4]
    results = list(house.transforms.results(SINGLE_USER, transform.request_id))
    assert [r.file_id for r in results] == ids
    rest = house.transforms.results(SINGLE_USER, transform.request_id, results[2].created_at, 2, results[3].created_at)
    assert [r.file_id for r in rest] == ids[4:6]
    failures = house.transforms.failures(SINGLE_USER, transform.request_id, after=results[4].created_at)
    assert [r.file_id for r, *_ in failures] == ids[5:]
