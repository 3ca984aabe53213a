"""What cannot be set is refused at start, in words."""
import pytest

from servicex import create_app
from servicex.settings import InvalidSettings, load


@pytest.mark.parametrize("name, value, words", [
    ("PUBLIC_URL", "servicex.example.org", "https://servicex.example.org"),
    ("PUBLIC_URL", "https://servicex.example.org/prefix", "no path"),
    ("PUBLIC_URL", "https://user@servicex.example.org", "no path"),
    ("PUBLIC_URL", "javascript:alert(1)", "no path"),
    ("PUBLIC_URL", "https://a.example.org\nX: y", "no path"),
    ("TRUSTED_PROXIES", -1, "TRUSTED_PROXIES"),
    ("TRUSTED_PROXIES", "two", "TRUSTED_PROXIES"),
    ("CORS_ALLOWED_ORIGINS", ["*"], "https://servicex.example.org"),
    ("CORS_ALLOWED_ORIGINS", ["null"], "https://servicex.example.org"),
    ("CORS_ALLOWED_ORIGINS", ["https://*.example.org"], "https://servicex.example.org"),
    ("RATE_LIMIT_SIGN_IN", "often", "30 per minute"),
    ("RATE_LIMIT_TOKEN", "0 per minute", "at least one"),
    ("RATE_LIMIT_SUBMIT", "1 per second; 5 per minute", "one rate"),
    ("RATE_LIMIT_SUBMIT", "", "one rate"),
    ("RATE_LIMIT_STORAGE", "mysql://h", "memory://"),
])
def test_setting_that_cannot_be(name: str, value: object, words: str) -> None:
    with pytest.raises(InvalidSettings, match=name) as refused:
        load(**{name: value})
    assert words in refused.value.message


@pytest.mark.parametrize("given, kept", [
    ("https://ServiceX.example.org/", "https://servicex.example.org"),
    ("https://servicex.example.org:443", "https://servicex.example.org"),
    ("http://[::1]:80", "http://[::1]"), ("http://[::1]", "http://[::1]"),
    ("http://localhost:5000", "http://localhost:5000")])
def test_origins_are_kept_as_browsers_write_them(given: str, kept: str) -> None:
    settings = load(PUBLIC_URL=given, CORS_ALLOWED_ORIGINS=[given])
    assert (settings.PUBLIC_URL, settings.CORS_ALLOWED_ORIGINS) == (kept, [kept])


def test_storage_whose_package_is_not_installed_is_said_at_start(tmp_path: object) -> None:
    with pytest.raises(InvalidSettings, match="RATE_LIMIT_STORAGE.*redis"):
        create_app(load(RATE_LIMIT_STORAGE="redis://localhost:1", ENABLE_AUTH=True, DATA_DIRECTORY=tmp_path))


def test_debugging_cannot_be_set(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("DEBUG", "1")
    assert create_app(load(DATA_DIRECTORY=tmp_path)).debug is False
