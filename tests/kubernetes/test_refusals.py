"""What the API server refuses, and in which words a program can tell why. Real and fake agree."""
from typing import Any

import pytest

from tests.kubernetes.bodies import Object, at, autoscaler, config_map, deployment, with_container, with_pod
from tests.kubernetes.cluster import Cluster

MIB = 1024 * 1024


def selecting(selector: Any) -> Object:
    """A Deployment with that selector."""
    return deployment(selector=selector)


def scaling(**changes: Any) -> Object:
    """An autoscaler with those changes."""
    return {**autoscaler(), "spec": {**autoscaler()["spec"], **changes}}


def named(body: Object, **metadata: Any) -> Object:
    """The body with that metadata."""
    return {**body, "metadata": {**body["metadata"], **metadata}}


def owned_by(**changes: Any) -> Object:
    """A ConfigMap with an owner that lacks something."""
    whole = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "u"}
    return config_map(ownerReferences=[{**whole, **changes}])


# Each a body, the field that is found wrong, and how.
INVALID: dict[str, tuple[str, Object, str, str]] = {
    "no name": ("deployments", named(deployment(), name=None), "metadata.name", "FieldValueRequired"),
    "capitals": ("deployments", named(deployment(), name="Workers"), "metadata.name", "FieldValueInvalid"),
    "underscore": ("configmaps", config_map("a_b"), "metadata.name", "FieldValueInvalid"),
    "long name": ("configmaps", config_map("a" * 254), "metadata.name", "FieldValueInvalid"),
    "label": ("configmaps", config_map(labels={"a": "b c"}), "metadata.labels", "FieldValueInvalid"),
    "long label": ("configmaps", config_map(labels={"a": "b" * 64}), "metadata.labels", "FieldValueInvalid"),
    "label key": ("configmaps", config_map(labels={"a b": "c"}), "metadata.labels", "FieldValueInvalid"),
    "annotations": ("configmaps", config_map(annotations={"a": "b" * 300_000}), "metadata.annotations",
                    "FieldValueTooLong"),
    "owner without uid": ("configmaps", owned_by(uid=""), "metadata.ownerReferences.uid", "FieldValueInvalid"),
    "owner without name": ("configmaps", owned_by(name=""), "metadata.ownerReferences.name", "FieldValueInvalid"),
    "large": ("configmaps", config_map(data={"a": "b" * (MIB + 1)}), "[]", "FieldValueTooLong"),
    "key": ("configmaps", config_map(data={"a/b": "c"}), "data[a/b]", "FieldValueInvalid"),
    "empty selector": ("deployments", selecting({}), "spec.selector", "FieldValueInvalid"),
    "other selector": ("deployments", selecting({"matchLabels": {"app": "x"}}), "spec.template.metadata.labels",
                       "FieldValueInvalid"),
    "replicas": ("deployments", deployment(replicas=-1), "spec.replicas", "FieldValueInvalid"),
    "no containers": ("deployments", with_pod(containers=[]), "spec.template.spec.containers", "FieldValueRequired"),
    "restarts": ("deployments", with_pod(restartPolicy="Never"), "spec.template.spec.restartPolicy",
                 "FieldValueNotSupported"),
    "container name": ("deployments", with_container(name="A"), "spec.template.spec.containers[0].name",
                       "FieldValueInvalid"),
    "two of a name": ("deployments", with_pod(containers=[{"name": "a", "image": "i"}] * 2),
                      "spec.template.spec.containers[1].name", "FieldValueDuplicate"),
    "no image": ("deployments", with_container(image=""), "spec.template.spec.containers[0].image",
                 "FieldValueRequired"),
    "pull policy": ("deployments", with_container(imagePullPolicy="Sometimes"),
                    "spec.template.spec.containers[0].imagePullPolicy", "FieldValueNotSupported"),
    "variable": ("deployments", with_container(env=[{"name": "1A", "value": "b"}]),
                 "spec.template.spec.containers[0].env[0].name", "FieldValueInvalid"),
    "mount": ("deployments", with_container(volumeMounts=[{"name": "x", "mountPath": "/x"}]),
              "spec.template.spec.containers[0].volumeMounts[0].name", "FieldValueNotFound"),
    "negative memory": ("deployments", with_container(resources={"limits": {"memory": "-1"}}),
                        "spec.template.spec.containers[0].resources.limits[memory]", "FieldValueInvalid"),
    "request beyond limit": (
        "deployments", with_container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "1500m"}}),
        "spec.template.spec.containers[0].resources.requests", "FieldValueInvalid"),
    "volume without source": ("deployments", with_pod(volumes=[{"name": "x", "secret": {}}]),
                              "spec.template.spec.volumes[0].secret.secretName", "FieldValueRequired"),
    "claim": ("deployments", with_pod(volumes=[{"name": "x", "persistentVolumeClaim": {"claimName": ""}}]),
              "spec.template.spec.volumes[0].persistentVolumeClaim.claimName", "FieldValueRequired"),
    "two volumes of a name": ("deployments", with_pod(volumes=[{"name": "x", "emptyDir": {}}] * 2),
                              "spec.template.spec.volumes[1].name", "FieldValueDuplicate"),
    "two sources": ("deployments", with_pod(volumes=[{"name": "x", "emptyDir": {}, "hostPath": {"path": "/x"}}]),
                    "spec.template.spec.volumes[0].hostPath", "FieldValueForbidden"),
    "user": ("deployments", with_container(securityContext={"runAsUser": -1}),
             "spec.template.spec.containers[0].securityContext.runAsUser", "FieldValueInvalid"),
    "deadline": ("deployments", deployment(minReadySeconds=5, progressDeadlineSeconds=5),
                 "spec.progressDeadlineSeconds", "FieldValueInvalid"),
    "autoscaler": ("horizontalpodautoscalers", scaling(minReplicas=4), "spec.maxReplicas", "FieldValueInvalid"),
}

UNREADABLE: dict[str, tuple[str, Any]] = {
    "no JSON": ("deployments", b"{"),
    "a list": ("deployments", []),
    "another kind": ("deployments", config_map()),
    "another version": ("deployments", {**deployment(), "apiVersion": "apps/v7"}),
    "a number that is text": ("deployments", deployment(replicas="two")),  # type: ignore[arg-type]
    "a quantity that is none": ("deployments", with_container(resources={"limits": {"memory": "much"}})),
    "data that are no text": ("configmaps", config_map(data={"a": 1})),  # type: ignore[dict-item]
    "another namespace": ("configmaps", config_map(namespace="elsewhere")),
}


@pytest.mark.parametrize("case", INVALID)
def test_says_which_field_breaks_a_rule(cluster: Cluster, case: str) -> None:
    plural, body, field, reason = INVALID[case]

    status, answer = cluster.answer("POST", at(cluster.namespace, plural), body)

    assert (status, answer["kind"], answer["code"], answer["reason"]) == (422, "Status", 422, "Invalid"), answer
    assert [(each["field"], each["reason"]) for each in answer["details"]["causes"]] == [(field, reason)], answer


def test_says_all_that_breaks_a_rule(cluster: Cluster) -> None:
    status, answer = cluster.answer("POST", at(cluster.namespace, "deployments"), selecting(None))

    assert status == 422
    assert [(each["field"], each["reason"]) for each in answer["details"]["causes"]] == [
        ("spec.selector", "FieldValueRequired"), ("spec.template.metadata.labels", "FieldValueInvalid")]


@pytest.mark.parametrize("case", UNREADABLE)
def test_refuses_what_it_cannot_read(cluster: Cluster, case: str) -> None:
    plural, body = UNREADABLE[case]

    status, answer = cluster.answer("POST", at(cluster.namespace, plural), body)

    assert (status, answer["reason"]) == (400, "BadRequest"), answer


def test_takes_a_config_map_of_just_a_mebibyte(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map(data={"a": "b" * MIB}))


def test_refuses_a_body_of_many_mebibytes(cluster: Cluster) -> None:
    status, answer = cluster.answer("POST", at(cluster.namespace, "configmaps"),
                                    config_map(data={"a": "b" * (4 * MIB)}))

    assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")


def test_a_selector_cannot_be_changed(cluster: Cluster) -> None:
    path = at(cluster.namespace, "deployments")
    made = cluster.ask("POST", path, deployment())
    labels = {"app": "others"}
    del made["metadata"]["resourceVersion"]
    made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = labels

    status, answer = cluster.answer("PUT", f"{path}/workers", made)

    assert (status, answer["reason"]) == (422, "Invalid"), answer
    assert [each["field"] for each in answer["details"]["causes"]] == ["spec.selector"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("plural", ["deployments", "configmaps", "pods", "horizontalpodautoscalers"])
def test_what_is_not_there(cluster: Cluster, method: str, plural: str) -> None:
    bodies = {"configmaps": config_map("none"), "deployments": deployment("none"),
              "horizontalpodautoscalers": autoscaler("none"),
              "pods": {"metadata": {"name": "none"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}}
    body = {"PUT": bodies[plural], "PATCH": {"metadata": {"labels": {"a": "b"}}}}.get(method)

    status, answer = cluster.answer(method, at(cluster.namespace, plural, "none"), body,
                                    content_type="application/merge-patch+json" if method == "PATCH" else
                                    "application/json")

    assert (status, answer["reason"], answer["details"]["name"]) == (404, "NotFound", "none"), answer


def test_a_name_that_is_taken(cluster: Cluster) -> None:
    path = at(cluster.namespace, "configmaps")
    cluster.ask("POST", path, config_map())

    status, answer = cluster.answer("POST", path, config_map())

    assert (status, answer["reason"], answer["details"]["name"]) == (409, "AlreadyExists", "code")


def test_a_namespace_that_is_not_there(cluster: Cluster) -> None:
    status, answer = cluster.answer("POST", at("nowhere", "configmaps"), config_map())

    assert (status, answer["reason"], answer["details"]["kind"]) == (404, "NotFound", "namespaces")


@pytest.mark.parametrize("path", ["/apis/nothing.example/v1/things", "/api/v1/nothing", "/nothing"])
def test_a_path_of_nothing(cluster: Cluster, path: str) -> None:
    assert cluster.answer("GET", path)[0] == 404


def test_a_method_that_is_not_known(cluster: Cluster) -> None:
    status, answer = cluster.answer("POST", at(cluster.namespace, "configmaps", "code"), config_map())

    assert (status, answer["reason"]) == (405, "MethodNotAllowed")


def test_a_patch_of_an_unknown_kind(cluster: Cluster) -> None:
    cluster.ask("POST", at(cluster.namespace, "configmaps"), config_map())

    status, answer = cluster.answer("PATCH", at(cluster.namespace, "configmaps", "code"), {}, content_type="text/plain")

    assert (status, answer["reason"]) == (415, "UnsupportedMediaType"), answer
