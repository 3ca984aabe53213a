"""Migrations: up, down, and nothing between the tables and the models."""
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import inspect

from servicex.database import migrations_folder
from servicex.models import Base, db

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app on an empty database, on each engine."""
    url = f"sqlite:///{tmp_path}/test.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    app = Flask("servicex")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    Migrate(app, db, directory=migrations_folder(), render_as_batch=True)
    with app.app_context():
        yield app
        db.engine.dispose()


def test_tables_are_those_of_the_models(app: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_down_leaves_nothing_and_up_works_again(app: Flask) -> None:
    upgrade()
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade()
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version", *Base.metadata.tables}


def test_command_of_the_readme_finds_nothing_to_migrate(tmp_path: Path) -> None:
    """The two commands as they stand there, on a database of this test."""
    environment = {**os.environ, "FLASK_APP": "servicex/app.py", "APP_CONFIG_FILE": "../app.conf",
                   "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/x.sqlite", "DATA_DIRECTORY": f"{tmp_path}/data"}
    flask = str(Path(sys.executable).parent / "flask")
    before = set((ROOT / "migrations" / "versions").glob("*.py"))
    for command in (["upgrade"], ["migrate", "-m", "release 2"]):
        done = subprocess.run([flask, "db", *command], cwd=ROOT, env=environment, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
    assert set((ROOT / "migrations" / "versions").glob("*.py")) == before
    assert not (tmp_path / "data").exists(), "only a server makes that folder"
