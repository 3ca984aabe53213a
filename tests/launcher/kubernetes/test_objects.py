"""The objects as they go to a cluster, against files that a person can read, and against Kubernetes' own schemas."""
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes.credentials import make_secret
from servicex.backends.launcher.kubernetes.deployment import make_deployment
from servicex.backends.launcher.kubernetes.options import ClusterOptions, SidecarOptions
from servicex.backends.launcher.kubernetes.program import make_config_maps
from servicex.errors import ServiceXError
from tests.launcher.kubernetes.jobs import PLAIN, PYTHON, REQUEST_ID, RICH, WORKER_IMAGE, XAOD

OBJECTS = Path(__file__).parent / "objects"
# From the oldest to the newest that kubernetes-validate knows; a real 1.20 is asked by `make test-kubernetes`.
VERSIONS = ("1.25", "1.29", "1.33", "1.37")
HOSTILE = "a'b\"c$(reboot) `id`; rm -rf / \n--flag"

DEPLOYMENTS: dict[str, tuple[TransformJob, ClusterOptions]] = {
    "worker": (PYTHON, PLAIN),
    "worker-rich": (PYTHON, RICH),
    "worker-volume": (replace(PYTHON, result_destination="volume"), RICH),
    "sidecar": (XAOD, PLAIN),
    "sidecar-rich": (XAOD, RICH),
    "sidecar-volume": (replace(XAOD, result_destination="volume"), RICH),
    "split-program": (replace(PYTHON, files={"a": b"a" * 900_000,
                                             "b": b"b" * 900_000}), PLAIN),
}


def all_objects() -> dict[str, dict[str, Any]]:
    deployments = {f"deployment-{name}": make_deployment(job, options) for name, (job, options) in DEPLOYMENTS.items()}
    (program,) = make_config_maps(REQUEST_ID, XAOD.files, "testing")
    return {**deployments, "config-map": program, "secret": make_secret(REQUEST_ID, PLAIN)}


@pytest.mark.parametrize("name", list(all_objects()))
def test_object_is_what_the_file_says(name: str) -> None:
    assert all_objects()[name] == yaml.safe_load((OBJECTS / f"{name}.yaml").read_text())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_cluster_takes_the_objects(version: str) -> None:
    for made in all_objects().values():
        kubernetes_validate.validate(made, version, strict=True)


def test_hostile_names_stay_one_word_in_a_shell() -> None:
    hostile = replace(XAOD, language=HOSTILE, command=HOSTILE)
    _, science = make_deployment(hostile, RICH)["spec"]["template"]["spec"]["containers"]
    (command,) = science["args"]
    words = shlex.split(command.rpartition(" && ")[2])
    assert words[-3:] == [HOSTILE, HOSTILE, f"/servicex/output/{REQUEST_ID}"]


def test_our_worker_is_called_without_a_shell_and_without_the_clusters_variables() -> None:
    (worker,) = containers(make_deployment(replace(PYTHON, command=HOSTILE), PLAIN))
    assert worker["command"] == ["servicex-app", "worker"]
    assert "--command=" + HOSTILE.replace("$", "$$") in worker["args"], "$(NAME) would be replaced"


@pytest.mark.parametrize("job", [PYTHON, XAOD], ids=["worker", "sidecar"])
def test_no_secret_stands_in_a_deployment(job: TransformJob) -> None:
    made = repr(make_deployment(job, RICH))
    assert not [secret for secret in ("the-access-key", "the-secret-key", "user:pw") if secret in made]
    assert "the-secret-key" not in repr(PLAIN), "nor in a log"


def test_users_program_beside_a_sidecar_has_no_keys() -> None:
    sidecar, science = containers(make_deployment(XAOD, RICH))
    assert {"RABBIT_MQ_URL", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"} <= names(sidecar)
    assert not names(science) & {"RABBIT_MQ_URL", "MINIO_URL", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"}


def test_image_that_nothing_here_can_run() -> None:
    with pytest.raises(ServiceXError, match="needs a sidecar, and this server has none"):
        make_deployment(XAOD, replace(PLAIN, sidecar=SidecarOptions()))


def test_program_is_split_over_config_maps() -> None:
    job, _ = DEPLOYMENTS["split-program"]
    parts = make_config_maps(REQUEST_ID, job.files, "testing")
    assert [(part["metadata"]["name"], list(part["binaryData"])) for part in parts] == [
        (f"{REQUEST_ID}-generated-source", ["a"]), (f"{REQUEST_ID}-generated-source-1", ["b"])]


def test_small_files_share_a_config_map() -> None:
    (part,) = make_config_maps(REQUEST_ID, {f"{n}.py": b"x" for n in range(50)}, "testing")
    assert len(part["binaryData"]) == 50


@pytest.mark.parametrize("files, why", [
    ({"large.py": b"x" * 1_000_000}, "large.py has 1,000,000 bytes; a cluster takes 1,000,000"),
    ({"no/such": b""}, "'no/such', which no cluster takes"),
    ({"": b""}, "''"),
    ({"..data": b""}, "'..data'"),
    ({"ö.py": b""}, "'ö.py'"),
])
def test_program_that_no_cluster_takes(files: dict[str, bytes], why: str) -> None:
    with pytest.raises(ServiceXError, match=why):
        make_config_maps(REQUEST_ID, files, "testing")


def test_program_without_files_has_a_config_map() -> None:
    assert [part["binaryData"] for part in make_config_maps(REQUEST_ID, {}, "testing")] == [{}]


def test_our_worker_runs_in_no_other_image() -> None:
    made = make_deployment(replace(PYTHON, image="example.org/mine"), PLAIN)
    assert [container["image"] for container in containers(made)] == [PLAIN.sidecar.image, "example.org/mine"]
    assert [container["image"] for container in containers(make_deployment(PYTHON, PLAIN))] == [WORKER_IMAGE]


def containers(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return found


def names(container: dict[str, Any]) -> set[str]:
    return {variable["name"] for variable in container["env"]}
