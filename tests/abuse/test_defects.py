"""What could be done to the server that this one takes the place of, and cannot be done here.

Others of its defects have their tests where the part is: callbacks without a token and their routes (tests/api/
test_callbacks_access.py), other people's transforms (tests/accounts/test_access.py), shells in pods (tests/launcher/
kubernetes/test_objects.py), pages of any origin (test_cors.py).
"""
from pathlib import Path

import pytest
from sqlalchemy import text

from servicex import create_app
from servicex.api import DATASET_ID, ROUTES
from servicex.settings import load
from tests.abuse.conftest import Open
from tests.accounts.people import Site

STORE_KEYS = {"MINIO_URL": "127.0.0.1:1", "MINIO_ACCESS_KEY": "the-stores-root", "MINIO_SECRET_KEY": "the-roots-secret"}


def test_nobody_is_told_the_keys_of_the_object_store(open_site: Open) -> None:
    site = open_site(**STORE_KEYS)
    site.person("bob")
    for name in ("bob", "ada"):
        token = site.access_token(name)
        request_id = site.submit(token, f"/{name}.root")
        record = site.ask("GET", f"/servicex/transformation/{request_id}", token)
        assert record.json["minio-access-key"], "they are told other ones, which open their own bucket"
        for answer in (record, site.ask("GET", "/servicex/transformation", token),
                       site.ask("GET", f"/servicex/transformation/{request_id}/status", token)):
            assert answer.status_code == 200
            assert "the-stores-root" not in answer.text and "the-roots-secret" not in answer.text


def test_no_server_has_a_secret_that_another_has(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        app = create_app(load(ENABLE_AUTH=True, DATA_DIRECTORY=tmp_path / name))
        keys.add(app.config["JWT_SECRET_KEY"])
        app.extensions["servicex"].close()
    assert len(keys) == 2 and min(map(len, keys)) >= 32


def test_strangers_do_not_learn_where_code_generators_are(open_site: Open) -> None:
    inside = "http://generator.internal.example.org:8000"
    site = open_site(CODE_GEN_SERVICE_URLS={"mine": inside})
    for path in ("/multiple-codegen-list", "/servicex", "/", "/apidoc", "/apidoc/openapi.json", "/readyz"):
        assert "internal.example.org" not in site.ask("GET", path).text
    assert inside in site.ask("GET", "/multiple-codegen-list", site.access_token("ada")).text


def test_errors_of_the_database_tell_clients_nothing_of_it(open_site: Open) -> None:
    site = open_site()
    token = site.access_token("ada")
    with site.parts.engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        for table in ("transform_result", "files", "requests", "datasets", "audit"):
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    body = {"file-list": ["root://storage.example.org//a"], "codegen": "uproot-raw", "result-format": "parquet",
            "result-destination": "object-store", "selection": '[{"treename": "t", "filter_name": "x"}]'}
    answers = [site.ask("GET", url.replace("<string:request_id>", "1").replace(DATASET_ID, "1"), token)
               for url, _ in ROUTES]
    answers.append(site.ask("POST", "/servicex/transformation", token, json=body))
    for answer in answers:
        for word in ("SELECT", "INSERT", "no such table", "sqlite", "sqlalchemy", "Traceback", ".py"):
            assert word not in answer.text
    assert [answer.status_code for answer in answers].count(503) >= 10, "they do fail"


@pytest.mark.parametrize("headers", [
    {"X-Scheme": "https"}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Host": "evil.example.org"},
    {"Host": "evil.example.org"}, {"Host": "localhost.evil.example.org"}, {"Host": "evil.example.org/localhost"},
    {"Host": "localhost@evil.example.org"}, {"Forwarded": "host=evil.example.org;proto=https"}])
def test_request_does_not_say_where_the_server_is(open_site: Open, headers: dict[str, str]) -> None:
    page = open_site().client.get("/", headers=headers)
    assert "evil.example.org" not in page.text and "https://localhost" not in page.text
    assert not [value for value in page.headers.values() if "evil.example.org" in value]


def test_nobody_chooses_the_words_or_the_style_of_an_error_page(open_site: Open) -> None:
    site: Site = open_site()
    answer = site.client.get("/auth-callback?error=<script>alert(1)</script>", headers={"Accept": "text/html"})
    assert "<script>alert" not in answer.text and answer.status_code < 500
