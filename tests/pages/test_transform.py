"""The pages of one transform on a database with 220,000 files of it, and with hostile words in it."""
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, update
from werkzeug.test import TestResponse

from servicex import create_app
from servicex.migration import upgrade_alone
from servicex.models import TransformRequest, db
from servicex.models.base import now
from servicex.models.result import TransformResult
from servicex.services.caller import SINGLE_USER
from servicex.services.submissions import Submission
from servicex.settings import load
from tests.accounts.browsers import CSRF, Browser, identity
from tests.accounts.people import ADMIN_EMAIL, Site
from tests.pages.bulk import Bulk, Size
from tests.pages.conftest import SERVER_SECONDS, counted, seconds

STATEMENTS = 14
PAGES = ("", "/results", "/results?status=failure", "/results?status=success", "/results?before=2147483647",
         "/results?page=100", "/failures", "/logs", "/code", "/plots/events.svg")
HOSTILE = "<script>alert(1)</script>\x1b[31mred\x1b[0m\x00\u202egnp.exe"


class Server:
    """A server without accounts, nothing of which runs."""

    def __init__(self, folder: Path, bulk: Bulk | None = None):
        self.bulk = bulk or Bulk(f"sqlite:///{folder}/test.sqlite", Size.NONE)
        self.app: Flask = create_app(load(DATA_DIRECTORY=folder, ALLOWED_PATHS=[folder],
                                          SQLALCHEMY_DATABASE_URI=self.bulk.url))
        with self.app.app_context():
            upgrade_alone(db.engine)
            self.engine: Engine = db.engine
        self.parts = self.app.extensions["servicex"]

    def get(self, path: str) -> TestResponse:
        """Look at a page."""
        return self.app.test_client().get(path, buffered=True)

    def page(self, request_id: str, more: str = "") -> TestResponse:
        """Look at a page of a transform."""
        answer = self.get(f"/transformation-request/{request_id}{more}")
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a database of each engine, with the large transform."""
    bulk: Bulk = request.getfixturevalue(f"many_in_{request.param}")
    server = Server(tmp_path_factory.mktemp("crowded"), bulk)
    yield server
    server.parts.close()
    server.engine.dispose()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with an empty database."""
    made = Server(tmp_path)
    yield made
    made.parts.close()


@pytest.mark.parametrize("page", PAGES)
def test_page_of_220000_files_is_quick(crowded: Server, page: str) -> None:
    assert seconds(lambda: crowded.page(crowded.bulk.large, page)) < SERVER_SECONDS


@pytest.mark.parametrize("page", PAGES)
def test_number_of_statements_does_not_grow_with_the_files(crowded: Server, page: str) -> None:
    counts = []
    for request_id in (crowded.bulk.half_done, crowded.bulk.large):
        with counted(crowded.engine) as sent:
            crowded.page(request_id, page)
        counts.append(len(sent))
    assert max(counts) <= STATEMENTS and abs(counts[0] - counts[1]) <= 1, counts


def test_all_failures_are_grouped_by_cause(crowded: Server) -> None:
    answer = crowded.get(f"/servicex/transformation/{crowded.bulk.large}/failures").json
    assert (answer["files-failed"], answer["files-read"], answer["complete"]) == (5000, 5000, True)
    assert answer["causes"] == 12 and sum(group["count"] for group in answer["groups"]) == 5000
    first = answer["groups"][0]
    assert (first["count"], first["error-class"]) == (1900, "KeyInFileError")
    assert "Muon_pt" in first["cause"] and first["hint"] and "Traceback" in first["example"]["trace"]
    assert "reading branch Muon_pt" in first["example"]["log"]


def test_files_are_paged_to_the_end_and_back(crowded: Server) -> None:
    whole = crowded.page(crowded.bulk.half_done, "/results?before=2147483647").text
    assert "waiting" in whole and 'rel="prev"' in whole and 'rel="next"' not in whole
    failed = crowded.page(crowded.bulk.half_done, "/results?status=failure").text
    assert failed.count('class="bad"') == 30 and "waiting" not in failed
    assert "No results found!" in crowded.page(crowded.bulk.half_done, "/results?status=nonsense").text
    first = crowded.page(crowded.bulk.half_done, "/results").text
    for bad in ("?page=x", "?page=-3", "?page=0", "?page=1", "?after=x", "?after=99999999999999999999"):
        assert crowded.page(crowded.bulk.half_done, f"/results{bad}").text == first
    second = crowded.page(crowded.bulk.half_done, "/results?page=2").text
    key = crowded.page(crowded.bulk.half_done, "/results").text.split("?after=")[1].split('"')[0]
    rows = crowded.page(crowded.bulk.half_done, f"/results?after={key}").text
    assert rows.split("<tbody>")[1] == second.split("<tbody>")[1]


def test_running_transform_says_how_long_it_takes(crowded: Server) -> None:
    text = crowded.page(crowded.bulk.half_done).text
    assert "files are being transformed" in text and "Time left" in text and "files/" in text
    for name in ("Files over time", "Events per second", "Busy workers", "Time per file"):
        assert f"<h3>{name}</h3>" in text
    assert "half of those done were so after" in text


def test_plots_are_files_for_a_report_too(crowded: Server) -> None:
    for name in ("files", "events", "workers", "times"):
        drawing = crowded.page(crowded.bulk.large, f"/plots/{name}.svg")
        assert drawing.mimetype == "image/svg+xml" and drawing.text.startswith("<svg ")
    picture = crowded.page(crowded.bulk.large, "/plots/files.png")
    assert picture.data.startswith(b"\x89PNG") and len(picture.data) > 5000
    for bad in ("nothing.svg", "files.gif", "files"):
        assert crowded.get(f"/transformation-request/{crowded.bulk.large}/plots/{bad}").status_code == 404


def submit(server: Server, **more: Any) -> TransformRequest:
    """Submit a transform of one file."""
    found: TransformRequest = server.parts.transforms.submit(SINGLE_USER, Submission(**{
        "codegen": "uproot-raw", "selection": '[{"treename": "t", "filter_name": "x"}]', "result_format": "parquet",
        "file_list": ["root://storage.example.org//file.root"], **more}))
    return found


def test_what_has_no_results_yet_is_shown_without_plots(server: Server) -> None:
    transform = submit(server, title="")
    text = server.page(str(transform.id)).text
    assert "Untitled" in text and "<h2>Plots</h2>" not in text and "no workers yet" in text
    assert CSRF.sub("", server.page(transform.request_id).text) == CSRF.sub("", text)
    assert "waiting" in server.page(transform.request_id, "/results").text
    assert "No file has failed so far." in server.page(transform.request_id, "/failures").text
    assert "transform_single_file.py" in server.page(transform.request_id, "/code").text
    for page in PAGES:
        assert server.get(f"/transformation-request/999{page}").status_code == 404


def test_hostile_words_are_shown_safely_and_bounded(server: Server) -> None:
    transform = submit(server, title=HOSTILE.replace("\0", ""), selection='[{"treename": "</pre><script>"}]')
    (_, files) = server.parts.datasets.get(SINGLE_USER, transform.did_id)
    with server.engine.begin() as connection:
        connection.execute(insert(TransformResult.__table__), [{
            "did": HOSTILE, "file_id": next(iter(files)).id, "file_path": HOSTILE, "request_id": transform.request_id,
            "transform_status": "failure", "transform_time": 1.0, "total_events": 0, "total_bytes": 0, "avg_rate": 0,
            "created_at": now(), "attempts": 1, "host": HOSTILE, "error_class": HOSTILE,
            "error_message": HOSTILE * 50_000, "log": HOSTILE * 50_000}])
        connection.execute(update(TransformRequest).values(
            files_failed=1, status="fatal", finish_time=now() + timedelta(seconds=1),
            failure_description=HOSTILE * 50_000))
    for page in ("", "/results", "/failures", "/logs", "/code"):
        text = server.page(transform.request_id, page).text
        assert len(text) < 150_000
        assert "<script>" not in text and "\x1b" not in text and "\0" not in text and "\u202e" not in text


def test_others_transforms_are_not_found(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for name in ("user", "other"):
        site.person(name)
    request_id = site.submit(site.access_token("user"))
    found = {name: Browser(site, identity(name, email)) for name, email in (
        ("user", "user@example.org"), ("other", "other@example.org"), ("ada", ADMIN_EMAIL))}
    for page in PAGES:
        answers = {name: browser.get(f"/transformation-request/{request_id}{page}").status_code
                   for name, browser in found.items()}
        shown = 404 if "plots" in page else 200  # there is nothing to plot yet
        assert answers == {"user": shown, "ada": shown, "other": 404}, page
    site.close()


def test_failed_transform_says_why_before_anything_else(server: Server) -> None:
    transform = submit(server)
    with server.engine.begin() as connection:
        connection.execute(update(TransformRequest).values(
            status="bad_dataset", finish_time=now(), failure_description="The DID is not known to Rucio."))
    text = server.page(transform.request_id).text
    assert "Bad Dataset" in text and "the dataset could not be looked up." in text
    assert text.index("The DID is not known to Rucio.") < text.index("<progress")
