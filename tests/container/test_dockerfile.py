"""The Dockerfile and what belongs to it, as far as that can be tested without an engine; `make test-docker` has one."""
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from servicex.commands.serve import serve
from tests.container.dockerfile import ROOT, copied, health_command, image, instructions, of_image
from tests.running_server import RunningServer, free_port

PORT = next(option.default for option in serve.params if option.name == "port")


def test_what_is_copied_is_there_and_all_else_is_kept_out() -> None:
    ignored, *rest = (ROOT / ".dockerignore").read_text().split()
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}
    assert ignored == "*"
    assert let_in == copied()
    assert all((ROOT / name).exists() for name in let_in)
    assert not let_in & {"tests", ".git", "sqlite"}


def test_every_stage_begins_with_the_base_that_can_be_chosen() -> None:
    first, *_ = instructions()
    assert (first.name, first.rest) == ("ARG", "BASE=python:3.11-slim")
    assert [one.rest.split()[0] for one in instructions() if one.name == "FROM"] == ["${BASE}"] * 2


def test_it_runs_as_the_server_and_not_as_root() -> None:
    """By number: a cluster that wants no root cannot know who a name is."""
    users = dict(re.findall(r"useradd --uid (\d+) .* (\w+)", "\n".join(
        command.strip() for one in image() if one.name == "RUN" for command in one.rest.split("&&"))))
    assert users == {"1000": "servicex", "1001": "transformer"}
    assert of_image("USER") == "1000:1000"


def test_it_runs_what_serves_and_shows_its_port() -> None:
    assert of_image("ENTRYPOINT") == '["./boot.sh"]'
    assert os.access(ROOT / "boot.sh", os.X_OK)
    assert of_image("EXPOSE") == str(PORT)
    assert of_image("WORKDIR") == "/home/servicex"


def test_it_is_labelled_with_the_version_that_it_is() -> None:
    assert f'org.opencontainers.image.version="{version("servicex-app")}"' in of_image("LABEL")


def test_nothing_secret_is_set() -> None:
    assert not re.search("SECRET|PASSWORD|_KEY|TOKEN", " ".join(
        one.rest for one in instructions() if one.name in ("ENV", "ARG")))


@pytest.mark.parametrize("up, status", [(True, 0), (False, 1)])
def test_the_health_command_tells_whether_a_server_answers(server: RunningServer, up: bool, status: int) -> None:
    program, *words = health_command()
    assert program == "python3" and str(PORT) in words[-1]
    port = server.port if up else free_port()
    words[-1] = words[-1].replace(str(PORT), str(port))
    assert subprocess.run([sys.executable, *words], stderr=subprocess.DEVNULL, timeout=30).returncode == status
