"""The image, built and run as the README says; `make test-docker` runs this."""
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.container.engine import BASE, HOST_NETWORK, IMAGE, Engine
from tests.container.running_container import RunningContainer
from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows
from tests.e2e.real_client import RealClient
from tests.private_rabbitmq import PrivateRabbitMq
from tests.s3_server import S3Server

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1800)]

MOST_BYTES = 450_000_000
# What Docker gives a container to end in order.
SECONDS_TO_STOP = 10.0
CONFINED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def as_in_the_readme(sqlite: Path) -> list[str]:
    return ["--mount", f"type=bind,source={sqlite},target=/sqlite",
            "-e", "APP_CONFIG_FILE=/home/servicex/docker-dev.conf"]


def ourselves() -> list[str]:
    """The options for folders that are not of the user number 1000."""
    return [] if os.getuid() in (0, 1000) else ["--user", f"{os.getuid()}:{os.getgid()}"]


def users_of(container: RunningContainer) -> set[int]:
    """As whom the processes of the container run."""
    statuses = container.execute("sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null")
    return set(map(int, re.findall(r"^Uid:\s+(\d+)", statuses, re.MULTILINE)))


def deliver(engine: Engine, client_bin: Path, folder: Path) -> list[str]:
    client = RealClient(client_bin, folder, engine.address)
    return list(client.deliver([{"name": "muons", "query": "funcadl", "files": ["/data/nano_dimuon.root"]}],
                               fresh=True)["muons"]["items"])


def test_the_main_job_again_after_a_restart(engine: Engine, sqlite: Path, data: Path, client_bin: Path,
                                            tmp_path: Path) -> None:
    options = [*engine.publish, *ourselves(), *as_in_the_readme(sqlite),
               "--mount", f"type=bind,source={data},target=/data,readonly"]
    for run in ("first", "second"):
        with RunningContainer(engine, options) as container:
            container.wait_until_healthy()
            (delivered,) = deliver(engine, client_bin, tmp_path / run)
            assert delivered_rows(delivered, COLUMNS["funcadl"], tmp_path) == EXPECTED["funcadl"](
                data / "nano_dimuon.root")
            assert 0 not in users_of(container)
            status, seconds = container.end()
            assert status == 0 and seconds < SECONDS_TO_STOP, container.log()
    assert (sqlite / "app.db").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_it_runs_as_whom_it_is_told(engine: Engine, sqlite: Path) -> None:
    os.chown(sqlite, 1234, 1234)
    with RunningContainer(engine, [*engine.publish, "--user", "1234:1234", *as_in_the_readme(sqlite)]) as container:
        container.wait_until_healthy()
        assert users_of(container) == {1234}
    assert (sqlite / "app.db").stat().st_uid == 1234


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused_with_what_to_do(engine: Engine, sqlite: Path) -> None:
    os.chown(sqlite, 1234, 1234)
    done = engine.run("run", "--rm", *engine.network, *as_in_the_readme(sqlite), IMAGE)
    assert done.returncode == 1
    assert "cannot write to /sqlite" in done.stdout and "docker run --user 1234:1234" in done.stdout


def test_it_needs_no_folder(engine: Engine) -> None:
    with RunningContainer(engine, [*engine.publish]) as container:
        container.wait_until_healthy()
        assert container.end()[0] == 0


def test_it_serves_in_production_without_any_right(engine: Engine, postgres_url: str, rabbitmq: PrivateRabbitMq,
                                                   s3_server: S3Server) -> None:
    """As the Deployment in deploy/kubernetes runs it. All of it is on this machine, so is the container's network."""
    settings = {"SQLALCHEMY_DATABASE_URI": postgres_url, "RABBIT_MQ_URL": rabbitmq.url, "MINIO_URL": s3_server.address,
                "MINIO_ACCESS_KEY": s3_server.keys.access_key, "MINIO_SECRET_KEY": s3_server.keys.secret_key,
                "SECRET_KEY": "for this test and no other", "ADVERTISED_HOSTNAME": "localhost:5000"}
    with RunningContainer(engine, [*HOST_NETWORK, *CONFINED, *environment(settings)]) as container:
        container.wait_until_healthy()
        assert users_of(container) == {1000}
        status, seconds = container.end()
        assert status == 0 and seconds < SECONDS_TO_STOP, container.log()


def environment(settings: dict[str, str]) -> Sequence[str]:
    return [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]


def test_who_runs_programs_on_a_cluster_owns_nothing(engine: Engine) -> None:
    found = engine.say("run", "--rm", *engine.network, "--user", "0", "--entrypoint", "sh", IMAGE, "-c",
                       "id -u transformer; find / -xdev -user transformer; servicex-app --version")
    assert re.fullmatch(r"1001\n.*servicex-app.*", found)


def test_it_is_small_and_holds_no_tests(engine: Engine) -> None:
    sizes = [int(engine.say("image", "inspect", "--format", "{{.Size}}", name)) for name in (IMAGE, BASE)]
    assert sizes[0] - sizes[1] < MOST_BYTES
    listed = engine.say("run", "--rm", *engine.network, "--entrypoint", "sh", IMAGE, "-c",
                        "find /opt /home -name tests -o -name pytest -o -name .git -o -name gcc")
    assert not listed
