"""Databases of earlier servers are taken over with all that is in them."""
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, text

from servicex.adoption.adopt import adopt, would_adopt
from servicex.adoption.notes import Notes
from servicex.adoption.old_database import NotAdoptable
from servicex.adoption.transforms import UNFINISHED
from servicex.migration import UnknownRevision, upgrade
from servicex.models import Base
from servicex.models.dataset import hash_of_paths
from servicex.services.caller import SINGLE_USER
from tests.databases import House
from tests.migrations.old_databases import RELEASES, fill, many_results, run
from tests.running_server import COMMAND, RunningServer

ROWS = 10_000
TABLES = ("users", "datasets", "files", "requests", "transform_result", "file_status")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is, on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.sqlite"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    yield create_engine(url, poolclass=NullPool)


def adopted(engine: Engine, url: str, release: str) -> Notes:
    """What was noted when a database of that release was taken over."""
    fill(url, release)
    notes = adopt(engine, lambda line: None)
    assert notes is not None
    return notes


def rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def row(engine: Engine, query: str) -> dict[str, Any]:
    (only,) = rows(engine, query)
    return only


def schema_differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata))


@pytest.mark.parametrize("release", RELEASES)
def test_tables_are_those_of_the_models_afterwards(engine: Engine, url: str, release: str) -> None:
    adopted(engine, url, release)
    with engine.connect() as connection:
        assert schema_differences(connection) == []
    assert upgrade(engine, 10) == ("v2_0_0", "v2_0_0")


def test_all_of_2022_is_kept(engine: Engine, url: str) -> None:
    notes = adopted(engine, url, "2022")
    assert {name: (notes.found[name], notes.kept[name]) for name in TABLES} == {
        "users": (2, 2), "datasets": (0, 6), "files": (8, 8), "requests": (6, 6), "transform_result": (8, 5),
        "file_status": (5, 4)}
    assert row(engine, "select email, name, sub from users where id = 4") == {
        "email": "bob@example.org", "name": "Bob", "sub": "sub-4"}
    assert row(engine, "select name, digest from api_tokens where user_id = 4") == {
        "name": "from the earlier server", "digest": sha256(b"token-of-bob").hexdigest()}
    assert rows(engine, "select id, status from requests order by id") == [
        {"id": 1, "status": "complete"}, {"id": 2, "status": "complete"}, {"id": 5, "status": "fatal"},
        {"id": 6, "status": "fatal"}, {"id": 7, "status": "fatal"}, {"id": 8, "status": "canceled"}]


def test_all_of_2024_is_kept(engine: Engine, url: str) -> None:
    notes = adopted(engine, url, "2024")
    assert {name: (notes.found[name], notes.kept[name]) for name in TABLES} == {
        "users": (3, 3), "datasets": (4, 4), "files": (5, 5), "requests": (5, 5), "transform_result": (8, 6),
        "file_status": (0, 0)}
    assert rows(engine, "select id, sub from users order by id") == [
        {"id": 1, "sub": "sub-1"}, {"id": 2, "sub": "sub-2"}, {"id": 9, "sub": "sub-2#9"}]
    assert rows(engine, "select user_id, digest from api_tokens") == [
        {"user_id": 1, "digest": sha256(b"token-of-ada").hexdigest()}]
    assert rows(engine, "select id, status, failure_description from requests order by id") == [
        {"id": 1, "status": "complete", "failure_description": None},
        {"id": 2, "status": "canceled", "failure_description": None},
        {"id": 3, "status": "complete", "failure_description": None},
        {"id": 4, "status": "fatal", "failure_description": UNFINISHED},
        {"id": 7, "status": "fatal", "failure_description": "It broke"}]


def test_the_first_success_on_a_file_is_its_result(engine: Engine, url: str) -> None:
    adopted(engine, url, "2022")
    found = rows(engine, "select id, file_id, transform_status from transform_result "
                         "where id < 200 order by created_at")
    assert [tuple(result.values()) for result in found] == [
        (101, 11, "success"), (103, 12, "success"), (105, 13, "failure")]
    assert row(engine, "select files, files_completed, files_failed, total_events, total_bytes, total_time, min_time,"
                       " max_time from requests where id = 1") == {
        "files": 3, "files_completed": 2, "files_failed": 1, "total_events": 30, "total_bytes": 1100,
        "total_time": 11.0, "min_time": 4.0, "max_time": 7.0}


def test_counters_that_went_wrong_are_counted_anew(engine: Engine, url: str) -> None:
    adopted(engine, url, "2024")
    assert row(engine, "select files, files_completed, files_failed from requests where id = 1") == {
        "files": 3, "files_completed": 2, "files_failed": 1}


def test_a_result_without_a_file_goes_to_the_file_of_its_path(engine: Engine, url: str) -> None:
    adopted(engine, url, "2022")
    assert row(engine, "select file_id from transform_result where id = 501") == {"file_id": 51}


def test_what_is_left_aside_is_not_lost(engine: Engine, url: str, tmp_path: Path) -> None:
    adopted(engine, url, "2022")
    if url.startswith("sqlite"):
        engine, schema = create_engine(f"{url}.before-adoption", poolclass=NullPool), "main"
    else:
        schema = "servicex_old"
    assert row(engine, f"select count(*) as n from {schema}.transform_result")["n"] == 8
    assert row(engine, f"select columns from {schema}.requests where id = 2")["columns"] == "pt,eta"


def test_replicas_are_a_list_and_lost_paths_stay_apart(engine: Engine, url: str) -> None:
    adopted(engine, url, "2022")
    replicas = ["root://one//a.root", "root://two//a.root"]
    found = row(engine, "select paths, paths_hash, dataset_id, file_size from files where id = 21")
    assert (json.loads(found["paths"]), found["paths_hash"]) == (replicas, hash_of_paths(replicas))
    assert found["file_size"] == 3_000_000_000
    assert len({found["paths_hash"] for found in rows(engine, "select paths_hash from files where id > 80")}) == 2


def test_only_whole_datasets_are_used_again(engine: Engine, url: str) -> None:
    """One without files, one with a file twice, or one whose look-up was cut off gives wrong numbers or none."""
    adopted(engine, url, "2024")
    found = rows(engine, "select id, lookup_status from datasets where not is_stale")
    assert found == [{"id": 3, "lookup_status": "complete"}]
    assert row(engine, "select lookup_status from datasets where id = 6")["lookup_status"] == "internal_failure"


def test_new_rows_are_numbered_on(engine: Engine, url: str) -> None:
    adopted(engine, url, "2024")
    house = House(create_engine(url))
    transform = house.submit(files=["root://one//new.root"])
    assert (transform.id, transform.did_id) == (8, 7)


def test_doing_it_without_doing_it_tells_the_same_and_changes_nothing(engine: Engine, url: str) -> None:
    fill(url, "2024")
    before, told = inspect(engine).get_table_names(), list[str]()
    would = would_adopt(engine, told.append)
    assert inspect(engine).get_table_names() == before
    done = list[str]()
    assert adopt(engine, done.append) == would
    assert done == told


def test_a_second_time_nothing_is_done(engine: Engine, url: str) -> None:
    adopted(engine, url, "2024")
    assert adopt(engine, lambda line: None) is None
    assert would_adopt(engine, lambda line: None) is None


def test_tables_without_a_revision_are_known_by_their_shape(engine: Engine, url: str) -> None:
    """The server of 2022 made its tables in SQLite without a migration."""
    fill(url, "2022")
    run(url, "DROP TABLE alembic_version")
    with pytest.raises(UnknownRevision, match="servicex-app db adopt"):
        upgrade(engine, 10)
    assert adopt(engine, lambda line: None) is not None


def test_an_empty_database_is_refused(engine: Engine) -> None:
    with pytest.raises(NotAdoptable, match="no tables of an earlier server"):
        adopt(engine, lambda line: None)


def test_a_database_of_an_older_release_is_refused(engine: Engine, url: str) -> None:
    fill(url, "2022")
    run(url, "UPDATE alembic_version SET version_num = '5893086ec440'")
    with pytest.raises(NotAdoptable, match="revision 5893086ec440"):
        adopt(engine, lambda line: None)


def test_a_server_that_writes_is_noticed(engine: Engine, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servicex.adoption.aside.LOCK_SECONDS", 1)
    fill(url, "2024")
    with engine.connect() as busy:
        busy.execute(text("UPDATE requests SET title = 'x'"))
        with pytest.raises(NotAdoptable, match="earlier server"):
            adopt(engine, lambda line: None)
    assert adopt(engine, lambda line: None) is not None


def test_killed_in_the_middle_it_has_not_happened(engine: Engine, url: str) -> None:
    fill(url, "2022")
    run(url, *many_results(ROWS))
    command = [str(COMMAND), "db", "adopt"]
    environment = {**os.environ, "SQLALCHEMY_DATABASE_URI": url, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("files:"):
                process.kill()
    assert process.returncode == -9
    with pytest.raises(UnknownRevision):
        upgrade(engine, 10)
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert again.returncode == 0, again.stderr
    assert row(engine, "select files_completed as n from requests where id = 99") == {"n": ROWS}


def test_times_stay_what_they_were(engine: Engine, url: str) -> None:
    adopted(engine, url, "2024")
    transform = House(engine).transforms.get(SINGLE_USER, "1")
    assert transform.submit_time == datetime(2024, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("release", RELEASES)
def test_the_server_runs_on_it(tmp_path: Path, samples: Path, release: str) -> None:
    url = f"sqlite:///{tmp_path}/old.sqlite"
    fill(url, release)
    environment = {"SQLALCHEMY_DATABASE_URI": url}
    server = RunningServer(tmp_path / "data", [samples], environment=environment)
    with pytest.raises(AssertionError, match="servicex-app db adopt"):
        server.start()
    subprocess.run([str(COMMAND), "db", "adopt"], env={**os.environ, **environment}, check=True, capture_output=True)
    with server:
        base = f"{server.address}/servicex/transformation"
        listed = requests.get(base, timeout=30).json()["requests"]
        assert len(listed) == (6 if release == "2022" else 5)
        for one in listed:
            for path in ("", "/status?details=1", "/results", "/errors"):
                answer = requests.get(f"{base}/{one['request_id']}{path}", timeout=30)
                assert answer.status_code == 200, answer.text
        record = requests.get(f"{base}/1", timeout=30).json()
        assert (record["status"], record["files-completed"], record["files-failed"]) == ("Complete", 2, 1)
        assert re.match(rf"{release}-\d\d-01T10:00:00.250000Z", record["submit-time"])
        assert len(requests.get(f"{base}/1/results", timeout=30).json()["results"]) == 3
        wait_until_cleared_away(create_engine(url))


def wait_until_cleared_away(engine: Engine, seconds: float = 30) -> None:
    """Return when the controller has done with all transforms."""
    deadline = time.monotonic() + seconds
    while rows(engine, "select 1 from transform_control where not torn_down"):
        assert time.monotonic() < deadline, "the controller does not clear away"
        time.sleep(0.2)
