"""The accounts stay right whatever happens, in whatever order: a state machine that `hypothesis` plays."""
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine, create_engine, event

from tests.accounting.machine import Accounting
from tests.databases import House


@pytest.fixture
def houses(engine: Engine) -> Iterator[list[House]]:
    """The services of two servers on one database."""
    other = create_engine(engine.url)
    houses = [House(engine), House(other)]
    if engine.dialect.name == "sqlite":
        for one in (engine, other):
            event.listen(one, "connect", hurry)
    yield houses
    other.dispose()


def hurry(connection: object, _: object) -> None:
    """Do not wait for the disk."""
    connection.execute("PRAGMA busy_timeout=500")  # type: ignore[attr-defined]
    connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]


def play(houses: list[House], folder: Path, examples: int, steps: int, by_chance: bool) -> None:
    """Play so many games of so many steps; the same ones each time unless left to chance."""
    run_state_machine_as_test(
        lambda: Accounting(houses, folder),
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=not by_chance,
                          database=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck)))


@pytest.mark.timeout(600)     # A failure is made as short as it can be, which takes minutes.
def test_accounts_stay_right(engine: Engine, houses: list[House], tmp_path: Path) -> None:
    # A transaction takes PostgreSQL thrice as long: there the other games are left to the long round.
    examples = 15 if engine.dialect.name == "sqlite" else 5
    play(houses, tmp_path, examples, steps=40, by_chance=False)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_accounts_stay_right_for_long(houses: list[House], tmp_path: Path) -> None:
    play(houses, tmp_path, examples=400, steps=60, by_chance=True)
