"""Lists asked for in pages: the pages together are the whole, and who asks for none gets what there ever was."""
from typing import Any

import pytest

from servicex.api.cursors import cursor
from tests.api.conftest import SELECTION, Ask
from tests.api.test_routes import wait


@pytest.fixture(scope="module")
def transforms() -> list[str]:
    """The transforms of this module, once `request_id` has submitted them."""
    return []


@pytest.fixture
def request_id(ask: Ask, body: dict[str, Any], not_there: Any, transforms: list[str]) -> str:
    """The last of three transforms, which have ended: some of its files are not there, some are."""
    while len(transforms) < 3:
        files = [*body["file-list"][:len(transforms) + 1], f"{not_there}.{len(transforms)}.1",
                 f"{not_there}.{len(transforms)}.2"]
        answer = ask("post", "/servicex/transformation", json={**body, "selection": SELECTION, "file-list": files})
        transforms.append(answer.json()["request_id"])
    for name in transforms:
        wait(ask, name)
    return transforms[-1]


@pytest.mark.parametrize("path, field", [
    ("/servicex/transformation", "requests"), ("/servicex/datasets", "datasets"),
    ("/servicex/transformation/{}/results", "results"), ("/servicex/transformation/{}/errors", "errors")])
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_pages_make_up_the_whole(ask: Ask, request_id: str, path: str, field: str, limit: int) -> None:
    path = path.format(request_id)
    whole = ask("get", path).json()
    assert set(whole) == {field} and len(whole[field]) >= 2
    pages, place = [], None
    while place or not pages:
        page = ask("get", path, params={"limit": limit, **({"cursor": place} if place else {})}).json()
        assert set(page) == {field, "next"} and len(page[field]) <= limit
        pages.append(page[field])
        place = page["next"]
        assert len(pages) <= len(whole[field])
    assert sum(pages, []) == whole[field]
    first = pages[0]
    if len(pages) > 1:
        rest = ask("get", path, params={"cursor": ask("get", path, params={"limit": limit}).json()["next"]}).json()
        assert rest == {field: whole[field][len(first):]}, "a cursor without a limit gives all the rest"


@pytest.mark.parametrize("path", ["/servicex/transformation", "/servicex/datasets",
                                  "/servicex/transformation/{}/results", "/servicex/transformation/{}/errors"])
@pytest.mark.parametrize("query", [
    "cursor=nonsense", "cursor=", "cursor=====", "cursor=" + "A" * 4000, "cursor=%ff%fe", "cursor=%00", "limit=0",
    "limit=-1", "limit=x", "limit=2147483648", "limit=", "cursor=OTk5OTk5OTk5OTk5OTk5", "cursor=LTE="])
def test_bad_cursors_and_limits(ask: Ask, request_id: str, path: str, query: str) -> None:
    answer = ask("get", f"{path.format(request_id)}?{query}")
    assert answer.status_code == 400 and answer.json()["message"].startswith("Invalid request: ")


def test_cursor_of_another_kind_of_list(ask: Ask, request_id: str) -> None:
    answer = ask("get", f"/servicex/transformation/{request_id}/results", params={"cursor": cursor(5)})
    assert answer.status_code == 400 and "this list" in answer.json()["message"]


def test_details_are_the_last_field(ask: Ask, request_id: str) -> None:
    path = f"/servicex/transformation/{request_id}/status"
    plain, full = ask("get", path).json(), ask("get", path, params={"details": 1}).json()
    assert list(plain) == list(full)
    assert plain.pop("details") is None and len(full.pop("details")) == plain["files"]
    assert plain == full
