"""Settings that do not go together are refused at the start, with a word on what is missing."""
from pathlib import Path
from typing import Any

import pytest

from servicex import create_app
from servicex.settings import InvalidSettings, load

BROKER = "amqp://somebody:secret@127.0.0.1:1/"


@pytest.mark.parametrize("values, missing", [
    ({"RABBIT_MQ_URL": BROKER}, "ADVERTISED_HOSTNAME"),
    ({"VALID_DID_SCHEMES": ["rucio"]}, "RABBIT_MQ_URL"),
    ({"DID_FINDER_DEFAULT_SCHEME": "rucio"}, "DID_FINDER_DEFAULT_SCHEME"),
    ({"RABBIT_MQ_URL": BROKER, "ADVERTISED_HOSTNAME": "here:1", "VALID_DID_SCHEMES": ["no-scheme"]}, "no-scheme"),
    ({"ENABLE_AUTH": True}, "accounts")])
def test_settings_that_do_not_go_together(values: dict[str, Any], missing: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=missing):
        create_app(load(DATA_DIRECTORY=tmp_path, **values))


@pytest.mark.parametrize("values, missing", [
    ({}, "PostgreSQL"),
    ({"SQLALCHEMY_DATABASE_URI": "postgresql://nobody@127.0.0.1:1/x"}, "RABBIT_MQ_URL"),
    ({"SQLALCHEMY_DATABASE_URI": "postgresql://nobody@127.0.0.1:1/x", "RABBIT_MQ_URL": BROKER,
      "ADVERTISED_HOSTNAME": "here:1"}, "SECRET_KEY")])
def test_controller_of_its_own_says_what_it_needs(values: dict[str, Any], missing: str, tmp_path: Path) -> None:
    app = create_app(load(DATA_DIRECTORY=tmp_path, **values))
    with pytest.raises(InvalidSettings, match=missing):
        app.extensions["servicex"].start_controller()
