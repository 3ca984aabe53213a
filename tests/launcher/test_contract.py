"""What every launcher promises, whatever it runs workers on."""
from collections.abc import Callable

import pytest

from servicex.backends.launcher.base import Launcher
from tests.launcher.world import World

LAUNCHERS: dict[str, Callable[[World], Launcher]] = {"local": lambda world: world.launcher}


@pytest.fixture(params=sorted(LAUNCHERS))
def launcher(request, world):
    return LAUNCHERS[request.param](world)


def test_transform_that_was_not_started_is_unknown_and_harmless(launcher):
    assert launcher.status("unknown") is None
    assert launcher.logs("unknown", 10) == ""
    launcher.scale("unknown", 3)
    launcher.stop("unknown")


def test_started_transform_has_workers(launcher, world):
    job = world.job()
    launcher.start(job, 2)
    status = launcher.status(job.request_id)
    assert status.workers == 2 and sum(status.states.values()) == 2


def test_started_again_changes_nothing(launcher, world):
    job = world.job()
    launcher.start(job, 1)
    launcher.start(job, 2)
    assert launcher.status(job.request_id).workers == 1


def test_scaled_transform_has_as_many_workers(launcher, world):
    job = world.job()
    launcher.start(job, 1)
    launcher.scale(job.request_id, 2)
    assert launcher.status(job.request_id).workers == 2


def test_stopped_transform_is_forgotten_and_may_be_started_again(launcher, world):
    job = world.job()
    launcher.start(job, 1)
    launcher.stop(job.request_id)
    launcher.stop(job.request_id)
    assert launcher.status(job.request_id) is None
    launcher.start(job, 2)
    assert launcher.status(job.request_id).workers == 2
