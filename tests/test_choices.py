"""Settings that do not go together are refused at the start, with a word on what is missing."""
from pathlib import Path
from typing import Any

import pytest

from servicex import choices, create_app
from servicex.cluster_options import LEAST_MEMORY, cluster_options, program_memory
from servicex.errors import BadRequest
from servicex.settings import GIB, MIB, InvalidSettings, load

BROKER = "amqp://somebody:secret@127.0.0.1:1/"
BROKEN_CLUSTER = {"RABBIT_MQ_URL": BROKER, "ADVERTISED_HOSTNAME": "here:1", "TRANSFORMER_MANAGER_ENABLED": True}
CLUSTER = {**BROKEN_CLUSTER, "TRANSFORMER_WORKER_IMAGE": "ours:1", "MINIO_URL": "store:9000", "MINIO_ACCESS_KEY": "a",
           "MINIO_SECRET_KEY": "s"}


@pytest.mark.parametrize("values, missing", [
    ({"RABBIT_MQ_URL": BROKER}, "ADVERTISED_HOSTNAME"),
    ({"VALID_DID_SCHEMES": ["rucio"]}, "RABBIT_MQ_URL"),
    ({"DID_FINDER_DEFAULT_SCHEME": "rucio"}, "DID_FINDER_DEFAULT_SCHEME"),
    ({"RABBIT_MQ_URL": BROKER, "ADVERTISED_HOSTNAME": "here:1", "VALID_DID_SCHEMES": ["no-scheme"]}, "no-scheme"),
    ({"TRANSFORMER_MANAGER_ENABLED": True}, "TRANSFORMER_MANAGER_ENABLED needs RABBIT_MQ_URL"),
    (BROKEN_CLUSTER, "needs TRANSFORMER_WORKER_IMAGE"),
    ({**BROKEN_CLUSTER, "TRANSFORMER_WORKER_IMAGE": "ours:1"}, "needs MINIO_URL"),
    ({**CLUSTER, "RESULTS_VOLUME": "/results"}, "TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM")])
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


def test_programs_of_built_in_generators_run_in_our_own_image() -> None:
    assert choices.builtin_images(load(**CLUSTER)) == {"uproot": "ours:1", "uproot-raw": "ours:1", "python": "ours:1"}
    named = load(**CLUSTER, BUILTIN_SCIENCE_IMAGES={"python": "theirs:2"})
    assert choices.builtin_images(named)["python"] == "theirs:2"


def test_without_a_sidecar_only_our_own_image_is_taken() -> None:
    check = choices.image_check(load(**CLUSTER))
    assert check is not None
    check.check("ours:1")
    with pytest.raises(BadRequest, match="only in ours:1. Leave the field image out"):
        check.check("theirs:2")


def test_our_own_image_is_not_looked_for_in_a_registry() -> None:
    check = choices.image_check(load(**CLUSTER, TRANSFORMER_SIDECAR_IMAGE="sidecar:1",
                                     ALLOWED_IMAGE_PREFIXES=["docker.io/sslhep"]))
    assert check is not None
    check.check("ours:1")
    with pytest.raises(BadRequest, match="may not be used here"):
        check.check("theirs:2")


def test_what_can_be_delivered_hangs_on_who_transforms() -> None:
    settings = load(**CLUSTER, TRANSFORMER_SIDECAR_IMAGE="sidecar:1")
    assert choices.deliverable_formats(settings, "ours:1") is None
    assert choices.deliverable_formats(settings, "theirs:2") == ["parquet", "root-file"]
    assert choices.deliverable_formats(load(), "any") is None


def test_transformers_have_addresses_of_their_own() -> None:
    here = cluster_options(load(**CLUSTER))
    assert here.store is not None and (here.broker_url, here.store.address) == (BROKER, "store:9000")
    there = cluster_options(load(**CLUSTER, MINIO_URL_TRANSFORMER="inside:9000",
                                 TRANSFORMER_RABBIT_MQ_URL="amqp://inside/?heartbeat=9000"))
    assert there.store is not None
    assert (there.broker_url, there.store.address) == ("amqp://inside/?heartbeat=9000", "inside:9000")


@pytest.mark.parametrize("limit, memory", [
    ("", 4 * GIB), ("4Gi", 4 * GIB - 512 * MIB), ("2000M", 2_000_000_000 - 512 * MIB), ("64Gi", 4 * GIB),
    ("100Mi", LEAST_MEMORY), ("1.5Gi", GIB)])
def test_program_has_less_memory_than_its_container(limit: str, memory: int) -> None:
    """Else it is the container that is killed, and nobody can say why."""
    assert program_memory(load(TRANSFORMER_MEMORY_LIMIT=limit)) == memory


@pytest.mark.parametrize("name, value", [
    ("TRANSFORMER_MANAGER_MODE", "docker"), ("TRANSFORMER_NAMESPACE", "No_name"), ("INSTANCE_NAME", "a/b"),
    ("TRANSFORMER_CPU_LIMIT", "many"), ("TRANSFORMER_MEMORY_LIMIT", "4 GB"), ("MINIO_URL_TRANSFORMER", "http://a"),
    ("TRANSFORMER_CACHE_PREFIX", "root://cache"), ("TRANSFORMER_SIDECAR_VOLUME_PATH", "relative"),
    ("TRANSFORMER_LOCAL_PATH", "relative"), ("TRANSFORMER_SIDECAR_PULL_POLICY", "Sometimes"),
    ("TRANSFORMER_MIN_REPLICAS", 30)])
def test_bad_values(name: str, value: Any) -> None:
    with pytest.raises(InvalidSettings, match=name):
        load(**{name: value})


def test_values_of_existing_files_are_taken() -> None:
    settings = load(TRANSFORMER_PRIORITY_CLASS=None, TRANSFORMER_X509_SECRET=None, TRANSFORMER_CPU_LIMIT=1,
                    TRANSFORMER_CACHE_PREFIX="", TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM="")
    assert (settings.TRANSFORMER_PRIORITY_CLASS, settings.TRANSFORMER_X509_SECRET) == ("", "")
    assert settings.TRANSFORMER_CPU_LIMIT == "1"
