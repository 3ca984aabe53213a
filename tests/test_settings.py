"""Settings: environment before file before default, and plain words for what cannot be."""
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from servicex.settings import InvalidSettings, load

ROOT = Path(__file__).parent.parent


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration file that APP_CONFIG_FILE names."""
    file = tmp_path / "app.conf"
    file.write_text("")
    monkeypatch.setenv("APP_CONFIG_FILE", str(file))
    return file


def test_environment_beats_file_beats_default(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().MAX_ATTEMPTS == 3
    config.write_text("MAX_ATTEMPTS = 4\nTHREADS = 5\nUNKNOWN_OF_OLD = {'a': 1}\n")
    assert (load().MAX_ATTEMPTS, load().THREADS) == (4, 5)
    monkeypatch.setenv("MAX_ATTEMPTS", "6")
    assert (load().MAX_ATTEMPTS, load().THREADS) == (6, 5)
    assert load(MAX_ATTEMPTS=7).MAX_ATTEMPTS == 7


@pytest.mark.parametrize("word, value", [("False", False), ("false", False), ("0", False), ("True", True)])
def test_truth_in_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch, word: str, value: bool) -> None:
    monkeypatch.setenv("ENABLE_AUTH", word)
    assert load().ENABLE_AUTH is value


def test_lists_in_the_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", '["a.example.org"]')
    assert load().ALLOWED_HOSTS == ["a.example.org"]


def test_dictionaries_are_not_mixed(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("CODE_GEN_SERVICE_URLS = {'a': 'http://a:8000', 'b': 'https://b/prefix'}\n")
    assert load().CODE_GEN_SERVICE_URLS == {"a": "http://a:8000", "b": "https://b/prefix"}
    monkeypatch.setenv("CODE_GEN_SERVICE_URLS", '{"c": "http://c:8000"}')
    assert load().CODE_GEN_SERVICE_URLS == {"c": "http://c:8000"}


@pytest.mark.parametrize("name", ["ALLOWED_PATHS", "ALLOWED_HOSTS", "CODE_GEN_IMAGES"])
def test_list_that_is_no_json_is_said(config: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/tmp")
    with pytest.raises(InvalidSettings, match=f"{name}.*JSON"):
        load()


@pytest.mark.parametrize("text, words", [
    ("MINIO_PUBLIC_URL = 'http://h:9000/'", "MINIO_PUBLIC_URL"), ("import no_such_module", "cannot be read"),
    ("MAX_ATTEMPTS = 'many'", "MAX_ATTEMPTS"), ("MAX_ATTEMPTS = 0", "MAX_ATTEMPTS"),
    ("CERNOPENDATA_URL = 'opendata.cern.ch'", "CERNOPENDATA_URL"),
    ("CERNOPENDATA_URL = 'file:///etc'", "CERNOPENDATA_URL"), ("VALID_DID_SCHEMES = 'rucio'", "VALID_DID_SCHEMES"),
    ("SECRET_KEY = 'short'", "SECRET_KEY"), ("LOG_LEVEL = 'LOUD'", "LOG_LEVEL"),
    ("CODE_GEN_SERVICE_URLS = {'a': 'a:8000'}", "CODE_GEN_SERVICE_URLS.*a:8000 is no http"),
    ("CODE_GEN_SERVICE_URLS = {'a': 'http://a/?b'}", "CODE_GEN_SERVICE_URLS"),
    ("CODE_GEN_SERVICE_URLS = {'a' * 129: 'http://a'}", "CODE_GEN_SERVICE_URLS"),
    ("CODE_GEN_SERVICE_URLS = ['http://a']", "CODE_GEN_SERVICE_URLS"),
    ("ALLOWED_IMAGE_PREFIXES = ['']", "ALLOWED_IMAGE_PREFIXES"),
    ("x =", "cannot be read"), ("X = Y", "cannot be read")])
def test_what_cannot_be_is_said(config: Path, text: str, words: str) -> None:
    config.write_text(text)
    with pytest.raises(InvalidSettings, match=words):
        load()


def test_missing_file_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_CONFIG_FILE", "../no-such.conf")
    with pytest.raises(InvalidSettings, match="no-such.conf"):
        load()


def test_file_is_found_relative_to_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_CONFIG_FILE", "../app.conf")
    assert load().SQLALCHEMY_DATABASE_URI == "sqlite:///servicex.sqlite"


@pytest.mark.parametrize("uri", ["postgresql://u@h/d", "postgres://u@h/d"])
def test_postgresql_means_the_driver_we_come_with(config: Path, uri: str) -> None:
    assert load(SQLALCHEMY_DATABASE_URI=uri).database_uri == "postgresql+psycopg2://u@h/d"


def test_command_says_it_in_one_line() -> None:
    done = subprocess.run([Path(sys.executable).parent / "servicex-app", "up"], env={"THREADS": "none"},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "THREADS" in done.stderr


STORE = {"MINIO_URL": "store:9000", "MINIO_ACCESS_KEY": "ours", "MINIO_SECRET_KEY": "our secret"}


@pytest.mark.parametrize("values, words", [
    ({"MINIO_URL": "http://store:9000"}, "MINIO_URL: "),
    ({"MINIO_URL": "store:9000"}, "needs MINIO_ACCESS_KEY"),
    ({"OBJECT_STORE_ENABLED": False}, "RESULTS_VOLUME"),
    ({**STORE, "MINIO_PUBLIC_URL": "store:9000"}, "store itself"),
    ({**STORE, "SHARED_READ_ONLY_S3_KEYS": "reader:secret"}, "MINIO_PUBLIC_URL"),
    ({**STORE, "MINIO_PUBLIC_URL": "s:1", "SHARED_READ_ONLY_S3_KEYS": "ours:our secret"}, "access:secret"),
    ({**STORE, "MINIO_PUBLIC_URL": "s:1", "SHARED_READ_ONLY_S3_KEYS": "ours:oursecret"}, "the server's own"),
    ({"SHARED_READ_ONLY_S3_KEYS": "reader"}, "access:secret"),
    ({"SHARED_READ_ONLY_S3_KEYS": "r:" + "x" * 129}, "access:secret"),
    ({"TRANSFORMER_PERSISTENCE_SUBDIR": "../elsewhere"}, "relative path"),
    ({"TRANSFORMER_PERSISTENCE_SUBDIR": "/elsewhere"}, "relative path")])
def test_places_for_results_that_cannot_be(config: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(**values)
    assert words in str(caught.value)
    assert "our secret" not in str(caught.value) and "oursecret" not in str(caught.value)


def test_keys_are_not_shown_with_the_settings(config: Path) -> None:
    settings = load(**STORE, MINIO_PUBLIC_URL="s:1", SHARED_READ_ONLY_S3_KEYS="reader:secret:with:colons")
    assert "secret" not in repr(settings).replace("SECRET_KEY", "")
