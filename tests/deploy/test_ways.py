"""Which ways the objects in deploy/kubernetes open, and which they leave closed."""
import ipaddress

import pytest

from servicex.backends.launcher.kubernetes.cluster import KINDS
from servicex.backends.launcher.kubernetes.names import labels
from tests.deploy.manifests import Object, every_object, the

# By the kind of object: what the server does with it, of what a Role can name.
NEEDED = {"Deployment": {"get", "list", "create", "patch", "delete"}, "ConfigMap": {"get", "create", "delete"},
          "Secret": {"get", "create", "delete"}, "Pod": {"list"}}


@pytest.mark.parametrize("kind", KINDS)
def test_the_role_allows_what_the_server_does(kind: str) -> None:
    (rule,) = (rule for rule in the("Role")["rules"] if f"{kind.lower()}s" in rule["resources"])
    assert set(rule["verbs"]) == NEEDED[kind]


def test_the_policy_is_for_transformers() -> None:
    wanted = the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert wanted and wanted.items() <= labels("any-server", "any-transform").items()


def test_nobody_calls_transformers() -> None:
    policy = the("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"] and "ingress" not in policy


@pytest.mark.parametrize("address, reached", [
    ("188.184.9.234", True), ("2001:1458:201:e3::100", True),
    ("10.96.0.1", False), ("172.20.0.1", False), ("192.168.1.10", False), ("169.254.169.254", False),
    ("fd00::1", False)])
def test_transformers_reach_the_world_and_no_private_address(address: str, reached: bool) -> None:
    """The Kubernetes API and services are at private ones, and the nodes' own secrets at a link-local one."""
    blocks = [peer["ipBlock"] for rule in the("NetworkPolicy")["spec"]["egress"] for peer in rule["to"]
              if "ipBlock" in peer]
    assert any(_within(address, block) for block in blocks) is reached


def _within(address: str, block: Object) -> bool:
    ip = ipaddress.ip_address(address)
    return ip in ipaddress.ip_network(block["cidr"]) and not any(
        ip in ipaddress.ip_network(excepted) for excepted in block["except"])


def test_of_pods_they_reach_names_server_broker_and_store_at_one_port_each() -> None:
    reached = {(*peer["podSelector"]["matchLabels"].values(),): {port["port"] for port in rule["ports"]}
               for rule in the("NetworkPolicy")["spec"]["egress"] for peer in rule["to"] if "podSelector" in peer}
    server = tuple(the("Deployment")["spec"]["template"]["metadata"]["labels"].values())
    assert reached == {("kube-dns",): {53}, server: {5000}, ("rabbitmq",): {5672}, ("minio",): {9000}}


@pytest.mark.parametrize("path, served", [
    ("/", True), ("/servicex", True), ("/servicex/transformation/1/results", True), ("/bucket/object", True),
    ("/servicex/internal/token/transformation/1/file-complete", False), ("/servicex/internal", False)])
def test_the_way_in_leads_not_to_the_callbacks(path: str, served: bool) -> None:
    (rule,) = the("Ingress")["spec"]["rules"]
    matching = [one for one in rule["http"]["paths"] if f"{path}/".startswith(f"{one['path'].rstrip('/')}/")]
    longest = max(matching, key=lambda one: len(one["path"]))
    assert _has_pods(longest["backend"]["service"]["name"]) is served


def _has_pods(name: str) -> bool:
    (service,) = (one for _, one in every_object() if one["kind"] == "Service" and one["metadata"]["name"] == name)
    return "selector" in service["spec"]
