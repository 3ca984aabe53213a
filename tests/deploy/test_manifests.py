"""The objects in deploy/kubernetes are valid, fit together, and say what the code and doc/deploy.md say."""
import re
from typing import Any

import kubernetes_validate
import pytest

from servicex import choices
from servicex.api import ROUTES
from servicex.settings import Settings, load
from tests.deploy.manifests import FOLDER, ROOT, every_object, pod, server, the

VERSIONS = ["1.27", "1.30", "1.33", kubernetes_validate.latest_version()]
SECRETS = {"SECRET_KEY": "for this test and no other", "SQLALCHEMY_DATABASE_URI": "postgresql://someone@db/servicex",
           "RABBIT_MQ_URL": "amqp://rabbit/", "MINIO_ACCESS_KEY": "access", "MINIO_SECRET_KEY": "secret"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", [one for _, one in every_object()], ids=lambda one: f"{one['kind']}")
def test_a_cluster_takes_it(one: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(one, version, strict=True)


def test_objects_are_of_the_namespace_that_is_asked_for() -> None:
    assert not [name for name, one in every_object() if "namespace" in one["metadata"]]


def test_what_is_applied_has_no_secret_and_no_way_in() -> None:
    applied = {name for name, _ in every_object() if (FOLDER / name).exists()}
    assert applied == {"account.yaml", "server.yaml", "settings.yaml", "transformers.yaml"}


def test_the_settings_are_settings_and_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    named = the("ConfigMap")["data"] | SECRETS | {env["name"]: "default" for env in server()["env"]}
    assert named.keys() <= Settings.model_fields.keys()
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    choices.check(load())


def test_the_secret_has_the_keys_and_no_values() -> None:
    secret = the("Secret")
    assert secret["stringData"] == dict.fromkeys(SECRETS, "")
    assert "data" not in secret
    assert all(f"{name}=" in (ROOT / "doc" / "deploy.md").read_text() for name in SECRETS)


def test_the_server_finds_its_settings_and_its_account() -> None:
    sources = [(kind, source["name"]) for one in server()["envFrom"] for kind, source in one.items()]
    assert sources == [("configMapRef", the("ConfigMap")["metadata"]["name"]),
                       ("secretRef", the("Secret")["metadata"]["name"])]
    account = the("ServiceAccount")["metadata"]["name"]
    assert pod()["serviceAccountName"] == account
    assert the("RoleBinding")["subjects"] == [{"kind": "ServiceAccount", "name": account}]
    assert the("RoleBinding")["roleRef"]["name"] == the("Role")["metadata"]["name"]


def test_the_worker_is_the_same_image() -> None:
    assert the("ConfigMap")["data"]["TRANSFORMER_WORKER_IMAGE"] == server()["image"]


def test_the_service_leads_to_the_server_and_is_what_is_advertised() -> None:
    service = the("Service", "server.yaml")
    (port,) = service["spec"]["ports"]
    assert service["spec"]["selector"] == the("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert server()["ports"] == [{"name": port["targetPort"], "containerPort": 5000}]
    assert the("ConfigMap")["data"]["ADVERTISED_HOSTNAME"] == f"{service['metadata']['name']}:{port['port']}"


def test_the_probes_ask_what_there_is_and_are_patient_enough() -> None:
    probes = [server()[f"{name}Probe"] for name in ("startup", "liveness", "readiness")]
    assert {probe["httpGet"]["path"] for probe in probes} <= {path for path, _ in ROUTES}
    defaults = {name: Settings.model_fields[name].default for name in ("DATABASE_WAIT_SECONDS", "SHUTDOWN_SECONDS")}
    assert probes[0]["periodSeconds"] * probes[0]["failureThreshold"] > 2 * defaults["DATABASE_WAIT_SECONDS"]
    assert pod()["terminationGracePeriodSeconds"] > defaults["SHUTDOWN_SECONDS"]


def test_the_server_has_no_rights_on_its_node() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] and pod()["securityContext"]["runAsUser"] == 1000
    assert server()["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                           "capabilities": {"drop": ["ALL"]}}


def test_the_role_is_what_is_documented() -> None:
    text = (ROOT / "doc" / "deploy.md").read_text()
    documented = {(group, resource): verbs.split(", ") for resource, group, verbs in
                  re.findall(r"^\| `([a-z/]+)` \| ([a-z]*) ?\| ([a-z, ]+) \|", text, re.MULTILINE)}
    granted = {(group, resource): rule["verbs"] for rule in the("Role")["rules"]
               for group in rule["apiGroups"] for resource in rule["resources"]}
    assert granted == documented
