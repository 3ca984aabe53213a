"""The dashboards and the page of datasets: who sees what, in which order, and how fast."""
import re
from html import unescape

import pytest

from servicex.models.transform_list import Order, Place, Sort
from servicex.services.caller import Caller
from servicex.services.transform_lists import Asked
from tests.pages.bulk import request_id
from tests.pages.conftest import SERVER_SECONDS, Pages, seconds

ROW = re.compile(r'<tr id="transform-([0-9a-f-]+)">')
NEXT, PREVIOUS = (re.compile(rf'rel="{way}" href="([^"]+)"') for way in ("next", "prev"))
ADA = Caller(1, True)
ADDRESSES = [
    *(f"/{page}?sort={sort}&order={order}" for page in ("dashboard", "global-dashboard")
      for sort in ("start", "finish", "status") for order in ("asc", "desc")),
    *(f"/global-dashboard?state={state}" for state in ("running", "complete", "fatal", "canceled", "submitted")),
    "/dashboard?state=fatal", "/dashboard?search=no such thing", "/global-dashboard?search=no such thing",
    "/global-dashboard?search=no such thing&state=fatal", "/global-dashboard?search=Higgs", "/global-dashboard?user=3",
    "/global-dashboard?page=100", "/datasets",
]


def shown(text: str) -> list[str]:
    """The request ids on a page, in their order."""
    return ROW.findall(text)


def link(way: re.Pattern[str], text: str) -> str | None:
    found = way.search(text)
    return unescape(found.group(1)) if found else None


@pytest.mark.parametrize("address", ADDRESSES)
def test_page_of_very_many_is_quick_and_takes_few_statements(many_pages: Pages, address: str) -> None:
    browser = many_pages.ada if "global" in address else many_pages.bob
    assert browser.get(address).status_code == 200
    assert many_pages.statements(lambda: browser.get(address)) <= 8
    taken = seconds(lambda: browser.get(address))
    print(f"{address}: {taken * 1000:.1f} ms")
    assert taken < SERVER_SECONDS


@pytest.mark.parametrize("address", ["/dashboard", "/global-dashboard?state=running", "/datasets"])
def test_number_of_statements_does_not_grow_with_the_rows(few_pages: Pages, address: str) -> None:
    everything = few_pages.statements(lambda: few_pages.ada.get(address))
    assert everything <= 8, "as with very many"


@pytest.mark.parametrize("sort", Sort)
def test_last_page_is_as_quick_as_the_first(many_pages: Pages, sort: Sort) -> None:
    lists = many_pages.site.app.extensions["servicex_web"].transform_lists
    end = lists.page(ADA, Asked(everybody=True, order=Order(sort, descending=False))).rows[0].place
    before = Place(end.rank, end.time, 0)
    page = lists.page(ADA, Asked(everybody=True, order=Order(sort), before=before))
    assert page.rows[-1].place.id == end.id or not page.rows
    assert seconds(lambda: lists.page(ADA, Asked(everybody=True, order=Order(sort), before=before))) < SERVER_SECONDS


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_each_other_and_lead_back(few_pages: Pages, sort: Sort, order: str) -> None:
    address: str | None = f"/global-dashboard?sort={sort}&order={order}"
    pages, texts = [], []
    while address:
        texts.append(few_pages.ada.get(address).text)
        pages.append(shown(texts[-1]))
        address = link(NEXT, texts[-1])
    everything = [name for page in pages for name in page]
    assert [len(page) for page in pages] == [15, 15, 15, 4] and len(set(everything)) == 49, "one is deleted"
    back = few_pages.ada.get(link(PREVIOUS, texts[-1]) or "").text
    assert shown(back) == pages[-2] and link(NEXT, back)
    assert shown(few_pages.ada.get(f"/global-dashboard?sort={sort}&order={order}&page=2").text) == pages[1]
    other = {"asc": "desc", "desc": "asc"}[order]
    assert shown(few_pages.ada.get(f"/global-dashboard?sort={sort}&order={other}").text) == everything[::-1][:15]


def test_what_runs_comes_first_by_default_on_both_engines(few_pages: Pages) -> None:
    text = few_pages.ada.get("/global-dashboard").text
    states = re.findall(r'id="status-[0-9a-f-]+">([^<]+)<', text)
    assert not {"Complete", "Fatal", "Canceled", "Bad Dataset"} & set(states[:13])
    assert {"Complete"} & set(states[13:])


def test_one_sees_ones_own_and_administrators_all(few_pages: Pages) -> None:
    assert few_pages.bob.get("/global-dashboard").status_code == 403
    own = few_pages.bob.get("/dashboard?sort=start&order=asc").text
    assert few_pages.bulk.half_done in own and "Carol" not in own
    assert "Carol" in few_pages.ada.get("/global-dashboard").text
    others = set(shown(few_pages.ada.get("/global-dashboard?user=3").text))
    assert others and not others & set(shown(own))
    assert not set(shown(few_pages.bob.get("/dashboard?user=3").text)) & others


def test_row_shows_how_far_how_fast_and_how_long_still(few_pages: Pages) -> None:
    text = few_pages.bob.get(f"/dashboard?search={few_pages.bulk.half_done}").text
    name = few_pages.bulk.half_done
    assert shown(text) == [name]
    for part in ("finish-time", "status", "progress", "progress-bar", "files-completed", "files-total",
                 "files-failed-wrapper", "files-failed", "replicas", "cancel"):
        assert f'id="{part}-{name}"' in text
    assert 'value="60"' in text and ">1,170</span> of" in text and ">2,000</span>" in text
    rate, left = (re.search(rf'id="{part}-{name}">([^<]+)<', text) for part in ("rate", "time-left"))
    assert rate and rate.group(1).endswith("files/s") and left and "min" in left.group(1)


@pytest.mark.parametrize("search", ["2", "{name}", "{name}".upper(), "half", "zMuMu", "bob"])
def test_search(few_pages: Pages, search: str) -> None:
    text = few_pages.ada.get("/global-dashboard", query_string={"search": search.format(name=few_pages.bulk.half_done)})
    found = shown(text.text)
    if search in ("2", "{name}"):
        assert found == [few_pages.bulk.half_done]
    elif search == "half":
        assert not found and "No transform fits" in text.text
    else:
        assert found or search.isupper()


def test_search_looks_further_in_bounded_steps(many_pages: Pages) -> None:
    text = many_pages.ada.get("/global-dashboard?search=no such thing").text
    further = link(NEXT, text)
    assert "Search further" in text and further
    text = many_pages.ada.get(further).text
    assert "Search further" in text and link(NEXT, text) != further


@pytest.mark.parametrize("query", ["sort=best", "order=up", "state=lost", "after=x", "before=!", "after=MSAyMA=="])
def test_what_cannot_be_meant_is_a_bad_request(few_pages: Pages, query: str) -> None:
    assert few_pages.bob.get(f"/dashboard?{query}").status_code == 400


@pytest.mark.parametrize("page", ["1000", "99999999999", "101"])
def test_page_out_of_range_is_empty_and_says_how_to_begin(few_pages: Pages, page: str) -> None:
    answer = few_pages.bob.get(f"/dashboard?page={page}")
    assert answer.status_code == 200 and (not shown(answer.text) or page == "99999999999")
    assert shown(few_pages.bob.get("/dashboard?page=x").text) == shown(few_pages.bob.get("/dashboard").text)


def test_nothing_yet(no_pages: Pages) -> None:
    for address in ("/dashboard", "/datasets"):
        assert "Get started" in no_pages.bob.get(address).text


def act(pages: Pages, number: int, action: str, back: str = "/dashboard?state=running") -> str:
    """What the list says after bob has done that."""
    answer = pages.bob.post(f"/transformation-request/{request_id(number)}/{action}", {"back": back})
    assert (answer.status_code, answer.headers["Location"]) == (302, back)
    return unescape(pages.bob.get("/dashboard").text)


def test_cancel_delete_and_what_is_said_of_them(few_pages: Pages) -> None:
    assert "still in progress" in act(few_pages, 2, "delete")
    assert "still in progress" in act(few_pages, 2, "retry")
    assert "was canceled" in act(few_pages, 2, "cancel")
    assert "not in progress" in act(few_pages, 2, "cancel")
    assert "was deleted" in act(few_pages, 2, "delete")
    gone = few_pages.bob.post(f"/transformation-request/{request_id(2)}/delete")
    assert gone.status_code == 404


def test_others_transforms_are_not_there_to_act_on(few_pages: Pages) -> None:
    for action in ("cancel", "delete", "retry", "run-again"):
        assert few_pages.bob.post(f"/transformation-request/{request_id(1)}/{action}").status_code == 404


def test_back_leads_nowhere_else(few_pages: Pages) -> None:
    answer = few_pages.bob.post(f"/transformation-request/{request_id(2)}/cancel", {"back": "//evil.example.org"})
    assert answer.headers["Location"] == "/dashboard"


def test_cancel_all_is_of_ones_own_unless_an_administrator_confirms(few_pages: Pages) -> None:
    few_pages.bob.post("/dashboard/cancel-running")
    assert not shown(few_pages.bob.get("/dashboard?state=running").text)
    assert shown(few_pages.ada.get("/global-dashboard?state=running").text)
    assert "Cancel them all" in few_pages.ada.get("/global-dashboard/cancel-running").text
    few_pages.ada.post("/global-dashboard/cancel-running")
    for state in ("running", "submitted", "lookup", "pending_lookup"):
        assert not shown(few_pages.ada.get(f"/global-dashboard?state={state}").text)
    assert "canceled the transform" in few_pages.ada.get("/admin/audit").text


def test_datasets_with_their_users_and_rights(few_pages: Pages) -> None:
    assert "Bob (" in few_pages.ada.get("/datasets").text
    text = few_pages.bob.get("/datasets").text
    assert "Bob (" not in text and "DAOD_PHYSLITE" in text
    few_pages.bob.post("/datasets/1/forget")
    assert "is others' too" in unescape(few_pages.bob.get("/datasets").text)
    few_pages.ada.post("/datasets/1/forget")
    text = few_pages.ada.get("/datasets").text
    assert "was forgotten" in text and 'id="dataset-1"' not in text


def test_datasets_are_paged_both_ways(many_pages: Pages) -> None:
    first = many_pages.ada.get("/datasets").text
    second = many_pages.ada.get(link(NEXT, first) or "").text
    row = re.compile(r'id="dataset-(\d+)"')
    assert len(row.findall(second)) == 25 and not set(row.findall(first)) & set(row.findall(second))
    assert row.findall(many_pages.ada.get(link(PREVIOUS, second) or "").text) == row.findall(first)
