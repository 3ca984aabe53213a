"""Launchers with a warm parent that serves the whole module, and small input files."""
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servicex.backends.launcher.local import WorkerLimits
from servicex.processes import WarmParent
from tests.launcher.world import World
from tests.transformer.conftest import write_events


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmParent]:
    parent = WarmParent()
    parent.start()
    yield parent
    parent.close()


@pytest.fixture
def make_world(warm: WarmParent, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a launcher; all are closed in the end."""
    worlds: list[World] = []

    def make(workers: int = 2, limits: WorkerLimits | None = None) -> World:
        worlds.append(World(tmp_path, warm, workers, limits))
        return worlds[-1]

    yield make
    for world in worlds:
        world.launcher.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Twenty files with 10 events each."""
    folder = tmp_path_factory.mktemp("inputs")
    return [str(write_events(folder / f"input-{number}.root", 10)) for number in range(20)]
