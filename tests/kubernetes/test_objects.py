"""Objects that are made, read, listed, changed and deleted. Real and fake agree."""
from typing import Any

import pytest
from kubernetes import client, config

from tests.kubernetes.bodies import Object, at, config_map, deployment
from tests.kubernetes.cluster import Cluster

MERGE, STRATEGIC, JSON = (f"application/{kind}+json" for kind in ("merge-patch", "strategic-merge-patch", "json-patch"))
NAMES = ["a", "b", "c", "d", "e"]


def patched(cluster: Cluster, plural: str, name: str, patch: Any, kind: str, part: str = "") -> Object:
    """The object after a patch."""
    found: Object = cluster.ask("PATCH", at(cluster.namespace, plural, name, part), patch, content_type=kind)
    return found


def names(found: Object) -> list[str]:
    """The names in a list."""
    return [each["metadata"]["name"] for each in found["items"]]


@pytest.fixture
def five(cluster: Cluster) -> Cluster:
    """A cluster with five ConfigMaps, of which two are labelled as old."""
    for name in NAMES:
        labels = {"number": str(NAMES.index(name)), **({"age": "old"} if name in "ab" else {})}
        cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(name, labels=labels))
    return cluster


def test_the_client_gets_in_by_its_kubeconfig(cluster: Cluster) -> None:
    api = config.new_client_from_config(str(cluster.kubeconfig))
    client.CoreV1Api(api).create_namespaced_config_map(cluster.namespace, config_map())

    assert client.CoreV1Api(cluster.client).read_namespaced_config_map("code", cluster.namespace).data == {"a": "b"}
    assert client.VersionApi(api).get_code().major == "1"
    assert {"apps", "autoscaling"} <= {group.name for group in client.ApisApi(api).get_api_versions().groups}


def test_the_server_adds_to_a_new_object(cluster: Cluster) -> None:
    made = cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())["metadata"]

    assert made["namespace"] == cluster.namespace and made["generation"] == 1
    assert made["uid"] and made["creationTimestamp"].endswith("Z") and int(made["resourceVersion"])


def test_the_server_fills_in_what_is_not_said(cluster: Cluster) -> None:
    body = deployment()
    body["spec"]["template"]["spec"] = {
        "containers": [{"name": "a", "image": "example/a", "ports": [{"containerPort": 80}], "unknownField": 1,
                        "env": [{"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}},
                       {"name": "b", "image": "example.org:5000/b:1"}],
        "volumes": [{"name": "x"}, {"name": "y", "secret": {"secretName": "s"}},
                    {"name": "z", "hostPath": {"path": "/z"}}]}
    spec = cluster.ask("POST", at(cluster.namespace, "deployments"), body)["spec"]
    rest = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}

    assert {key: spec[key] for key in spec if key not in ("template", "selector")} == {
        "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}}
    assert spec["template"]["spec"] == {
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "securityContext": {}, "schedulerName": "default-scheduler",
        "containers": [
            {"name": "a", "image": "example/a", "imagePullPolicy": "Always",
             "ports": [{"containerPort": 80, "protocol": "TCP"}],
             "env": [{"name": "POD", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}],
             "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, **rest},
            {"name": "b", "image": "example.org:5000/b:1", "imagePullPolicy": "IfNotPresent", "resources": {}, **rest}],
        "volumes": [{"name": "x", "emptyDir": {}}, {"name": "y", "secret": {"secretName": "s", "defaultMode": 420}},
                    {"name": "z", "hostPath": {"path": "/z", "type": ""}}]}


def test_a_name_may_be_made_up(cluster: Cluster) -> None:
    body = {"metadata": {"generateName": "code-"}}

    made = cluster.ask("POST", at(cluster.namespace, "configmaps"), body)

    assert made["metadata"]["name"].startswith("code-") and len(made["metadata"]["name"]) == 10


def test_a_secret_is_encoded(cluster: Cluster) -> None:
    made = cluster.ask("POST", at(cluster.namespace, "secrets"), {"metadata": {"name": "x"}, "stringData": {"a": "b"}})

    assert (made["data"], made["type"]) == ({"a": "Yg=="}, "Opaque") and "stringData" not in made


def test_a_dry_run_leaves_nothing(cluster: Cluster) -> None:
    path = at(cluster.namespace, "configmaps")
    assert cluster.ask("POST", path, config_map(), query={"dryRun": "All"})["data"] == {"a": "b"}

    assert cluster.answer("GET", f"{path}/code")[0] == 404


@pytest.mark.parametrize("selector, expected", [
    ("age=old", "ab"), ("age==old", "ab"), ("age!=old", "cde"), ("age", "ab"), ("!age", "cde"),
    ("number in (1,2, 4)", "bce"), ("number notin (1,2)", "ade"), ("age=old,number!=0", "b"), ("nothing=here", "")])
def test_lists_by_label(five: Cluster, selector: str, expected: str) -> None:
    found = five.ask("GET", at(five.namespace, "configmaps"), query={"labelSelector": selector})

    assert "".join(name for name in names(found) if name in NAMES) == expected


@pytest.mark.parametrize("selector", ["a=b=c", "=", "a in", "a!b", "a b"])
def test_refuses_a_selector_that_is_none(cluster: Cluster, selector: str) -> None:
    status, answer = cluster.answer("GET", at(cluster.namespace, "configmaps"), query={"labelSelector": selector})

    assert (status, answer["reason"]) == (400, "BadRequest"), answer


def test_lists_by_field(five: Cluster) -> None:
    found = five.ask("GET", at(five.namespace, "configmaps"), query={"fieldSelector": "metadata.name=c"})

    assert names(found) == ["c"]


def test_lists_by_pages(five: Cluster) -> None:
    path, query, pages, left = at(five.namespace, "configmaps"), {"limit": "2", "fieldSelector": ""}, [], []
    while True:
        found = five.ask("GET", path, query=query)
        pages.append(names(found))
        left.append(found["metadata"].get("remainingItemCount"))
        if not found["metadata"].get("continue"):
            break
        query = {**query, "continue": found["metadata"]["continue"]}

    assert (pages, left) == ([["a", "b"], ["c", "d"], ["e"]], [3, 1, None])


def test_pages_of_a_selection_do_not_tell_what_is_left(five: Cluster) -> None:
    found = five.ask("GET", at(five.namespace, "configmaps"), query={"limit": "1", "labelSelector": "age=old"})

    assert found["metadata"]["continue"] and "remainingItemCount" not in found["metadata"]


def test_refuses_a_page_of_nothing(five: Cluster) -> None:
    status, answer = five.answer("GET", at(five.namespace, "configmaps"), query={"limit": "1", "continue": "x"})

    assert (status, answer["reason"]) == (400, "BadRequest")


def test_lists_all_namespaces(five: Cluster) -> None:
    found = five.ask("GET", "/api/v1/configmaps", query={"labelSelector": "number"})

    mine = [each for each in found["items"] if each["metadata"]["namespace"] == five.namespace]
    assert found["kind"] == "ConfigMapList" and [each["metadata"]["name"] for each in mine] == NAMES


def test_a_replacement_by_an_old_version_is_a_conflict(cluster: Cluster) -> None:
    path = at(cluster.namespace, "configmaps")
    old = cluster.ask("POST", path, config_map())
    new = cluster.ask("PUT", f"{path}/code", {**old, "data": {"a": "c"}})

    status, answer = cluster.answer("PUT", f"{path}/code", {**old, "data": {"a": "d"}})

    assert (status, answer["reason"], answer["details"]["name"]) == (409, "Conflict", "code")
    assert int(new["metadata"]["resourceVersion"]) > int(old["metadata"]["resourceVersion"])
    assert cluster.ask("PUT", f"{path}/code", config_map(data={"a": "d"}))["data"] == {"a": "d"}


def test_a_change_to_nothing_new_is_no_change(cluster: Cluster) -> None:
    path = at(cluster.namespace, "configmaps")
    made = cluster.ask("POST", path, config_map())

    assert cluster.ask("PUT", f"{path}/code", made)["metadata"]["resourceVersion"] == \
        made["metadata"]["resourceVersion"]


def test_merge_patch(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(data={"a": "b", "c": "d"}))

    assert patched(cluster, "configmaps", "code", {"data": {"a": None, "e": "f"}}, MERGE)["data"] == \
        {"c": "d", "e": "f"}


def test_strategic_patch_merges_containers_by_name(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "science", "image": "example/science:2"}]}}}}

    found = patched(cluster, "deployments", "workers", patch, STRATEGIC)

    images = {each["name"]: each["image"] for each in found["spec"]["template"]["spec"]["containers"]}
    assert images == {"sidecar": "example/sidecar:1", "science": "example/science:2"}


def test_merge_patch_replaces_containers(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "science", "image": "example/science:2"}]}}}}

    found = patched(cluster, "deployments", "workers", patch, MERGE)

    assert [each["name"] for each in found["spec"]["template"]["spec"]["containers"]] == ["science"]


def test_strategic_patch_deletes_by_name(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "science", "$patch": "delete"}]}}}}

    found = patched(cluster, "deployments", "workers", patch, STRATEGIC)

    assert [each["name"] for each in found["spec"]["template"]["spec"]["containers"]] == ["sidecar"]


def test_json_patch(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(labels={"a/b": "c"}))
    patch = [{"op": "replace", "path": "/data/a", "value": "x"}, {"op": "remove", "path": "/metadata/labels/a~1b"}]

    found = patched(cluster, "configmaps", "code", patch, JSON)

    assert found["data"] == {"a": "x"} and not found["metadata"].get("labels")


def test_json_patch_of_what_is_not_there(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map())

    status, answer = cluster.answer("PATCH", at(cluster.namespace, "configmaps", "code"),
                                    [{"op": "remove", "path": "/data/nothing"}], content_type=JSON)

    assert (status, answer["reason"]) == (422, "Invalid"), answer


def test_a_patch_of_an_old_version_is_a_conflict(cluster: Cluster) -> None:
    old = cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map())
    patched(cluster, "configmaps", "code", {"data": {"a": "c"}}, MERGE)
    patch = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"a": "d"}}

    status, answer = cluster.answer("PATCH", at(cluster.namespace, "configmaps", "code"), patch, content_type=MERGE)

    assert (status, answer["reason"]) == (409, "Conflict")


def test_a_patch_that_breaks_a_rule(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())

    status, answer = cluster.answer("PATCH", at(cluster.namespace, "deployments", "workers"),
                                    {"spec": {"replicas": -1}}, content_type=MERGE)

    assert (status, answer["reason"]) == (422, "Invalid")


def test_a_change_of_the_specification_is_a_new_generation(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "deployments"), deployment())

    labelled = patched(cluster, "deployments", "workers", {"metadata": {"labels": {"a": "b"}}}, MERGE)
    scaled = patched(cluster, "deployments", "workers", {"spec": {"replicas": 2}}, MERGE)

    assert (labelled["metadata"]["generation"], scaled["metadata"]["generation"]) == (1, 2)


def test_the_status_is_not_changed_with_the_object(cluster: Cluster) -> None:
    body = {**deployment(replicas=0), "status": {"readyReplicas": 7}}
    cluster.ask("POST", at(cluster.namespace, "deployments"), body)

    found = patched(cluster, "deployments", "workers", {"status": {"readyReplicas": 7}}, MERGE)

    assert "readyReplicas" not in found["status"]


def test_deletes_what_is_as_the_caller_thinks(cluster: Cluster) -> None:
    path = at(cluster.namespace, "configmaps", "code")
    made = cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map())["metadata"]
    status, answer = cluster.answer("DELETE", path, {"preconditions": {"uid": "another"}})
    assert (status, answer["reason"]) == (409, "Conflict")

    done = cluster.ask("DELETE", path, {"preconditions": {"uid": made["uid"]}})

    assert (done["kind"], done["status"], done["details"]["uid"]) == ("Status", "Success", made["uid"])
    assert cluster.answer("DELETE", path)[0] == 404


def test_deletes_all_that_are_selected(five: Cluster) -> None:
    path = at(five.namespace, "configmaps")
    five.ask("DELETE", path, query={"labelSelector": "age=old"})

    assert [name for name in names(five.ask("GET", path)) if name in NAMES] == ["c", "d", "e"]


def test_refuses_an_unknown_policy(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map())

    status, answer = cluster.answer("DELETE", at(cluster.namespace, "configmaps", "code"),
                                    query={"propagationPolicy": "Sideways"})

    assert (status, answer["reason"]) == (422, "Invalid"), answer


def test_keeps_what_has_a_finalizer_till_it_is_taken_off(cluster: Cluster) -> None:
    path = at(cluster.namespace, "configmaps", "code")
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(finalizers=["example.org/mine"]))
    assert cluster.ask("DELETE", path)["metadata"]["deletionTimestamp"]
    assert cluster.ask("GET", path)["metadata"]["finalizers"] == ["example.org/mine"]

    patched(cluster, "configmaps", "code", {"metadata": {"finalizers": None}}, MERGE)

    assert cluster.answer("GET", path)[0] == 404


def test_claims_wait_for_a_volume(cluster: Cluster) -> None:
    path = at(cluster.namespace, "persistentvolumeclaims")
    cluster.ask("POST", path, {"metadata": {"name": "results"}, "spec": {
        "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}})

    assert cluster.ask("GET", f"{path}/results")["status"] == {"phase": "Pending"}
    assert names(cluster.ask("GET", path)) == ["results"]
    assert cluster.answer("GET", f"{path}/none")[0] == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_the_server_says_that_it_is_well(cluster: Cluster, path: str) -> None:
    assert cluster.answer("GET", path) == (200, "ok")


@pytest.mark.parametrize("path, resource", [("/api/v1", "pods/log"), ("/apis/apps/v1", "deployments/scale"),
                                            ("/apis/autoscaling/v1", "horizontalpodautoscalers")])
def test_the_server_tells_its_resources(cluster: Cluster, path: str, resource: str) -> None:
    found = cluster.ask("GET", path)

    assert found["kind"] == "APIResourceList"
    assert resource in [each["name"] for each in found["resources"]]
