"""The real client, the server and a cluster whose pods are processes: from a query to columns, and nothing left over.

One file, so that all its tests are run by one process, on one server.
"""
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.contents import COLUMNS, EXPECTED, delivered_rows, ordinal
from tests.e2e.real_client import RealClient
from tests.on_cluster.conftest import FILES, GENERATOR
from tests.on_cluster.facility import SCIENCE_IMAGE, WORKER_IMAGE, ClusterFacility
from tests.production.production import eventually
from tests.production.test_production import COPY_NAME, PROGRAM

pytestmark = pytest.mark.timeout(300)
QUERIES = ("funcadl", "raw", "python")
RAW = '[{"treename": "Events", "filter_name": ["nMuon"]}]'
SLEEP = PROGRAM + "import time; print('awake', flush=True); time.sleep(60)"
# All containers here share one network, in which only one sidecar can have its port.
BESIDE = {"codegen": GENERATOR, "workers": 1}
NewClient = Callable[[], RealClient]


@pytest.fixture(autouse=True)
def nothing_left_to_the_next_test(facility: ClusterFacility) -> Iterator[None]:
    """A test that fails leaves its transform, whose pods would be in the way of others."""
    yield
    facility.cancel_all()


@pytest.mark.parametrize("form", ["parquet", "root-ttree"])
def test_main_job_by_our_own_worker(facility: ClusterFacility, urls: list[str], samples: Path, tmp_path: Path,
                                    new_client: NewClient, form: str) -> None:
    wanted = [{"name": query, "query": query, "files": urls} for query in QUERIES]
    delivered = new_client().begin(wanted, format=form, deliveries=["LocalCache"]).wait(200)["LocalCache"]
    for query in QUERIES:
        assert "error" not in delivered[query], delivered[query]["error"]
        rows = [delivered_rows(item, COLUMNS[query], tmp_path) for item in delivered[query]["items"]]
        sources = [samples / name for name in FILES]
        assert sorted(rows, key=ordinal) == sorted(map(EXPECTED[query], sources), key=ordinal)


def test_workers_are_as_many_as_allowed_and_go(facility: ClusterFacility, urls: list[str]) -> None:
    request_id = facility.post(**{"file-list": urls, "codegen": "uproot-raw", "selection": RAW})
    record = facility.ended(request_id)
    assert (record["status"], record["files-completed"]) == ("Complete", 2)
    eventually(lambda: not facility.left())
    eventually(lambda: not facility.containers())


def test_science_image_beside_a_sidecar(facility: ClusterFacility, urls: list[str]) -> None:
    """The two-container layout, with a sidecar that speaks the existing one's protocol."""
    request_id = facility.post(**{"file-list": urls, **BESIDE, "selection": COPY_NAME})
    record = facility.ended(request_id)
    assert (record["status"], record["files-completed"], record["image"]) == ("Complete", 2, SCIENCE_IMAGE)
    results = facility.get(f"/servicex/transformation/{request_id}/results")["results"]
    assert {result["s3-object-name"] for result in results} == {url.replace("/", ":") for url in urls}


def test_program_beside_a_sidecar_finds_no_keys(facility: ClusterFacility, urls: list[str]) -> None:
    program = PROGRAM + ("import os, sys; found = [n for n in os.environ if 'MINIO' in n or 'RABBIT' in n]; "
                         "sys.exit(1) if found else open(sys.argv[2], 'w').write('no keys')")
    record = facility.ended(facility.post(**{"file-list": urls[:1], **BESIDE, "selection": program}))
    assert (record["status"], record["files-completed"]) == ("Complete", 1), facility.node.log()[-3000:]


@pytest.mark.parametrize("order", [{"codegen": "uproot-raw", "selection": RAW},
                                   {**BESIDE, "selection": COPY_NAME}], ids=["worker", "sidecar"])
def test_results_on_a_volume(facility: ClusterFacility, urls: list[str], order: dict[str, str]) -> None:
    request_id = facility.post(**{"file-list": urls, "result-destination": "volume", **order})
    record = facility.ended(request_id)
    assert (record["status"], record["files-completed"]) == ("Complete", 2), facility.node.log()[-3000:]
    names = {r["s3-object-name"] for r in facility.get(f"/servicex/transformation/{request_id}/results")["results"]}
    assert {file.name for file in (facility.volume / "out" / request_id).iterdir()} == names


def test_cancelled_transform_leaves_nothing(facility: ClusterFacility, urls: list[str]) -> None:
    request_id = facility.post(**{"file-list": urls, **BESIDE, "selection": SLEEP})
    eventually(lambda: any("watch.sh" in command for command in facility.containers()))
    requests.post(f"{facility.address}/servicex/transformation/{request_id}/cancel", timeout=30).raise_for_status()
    eventually(lambda: not facility.left())
    eventually(lambda: not facility.containers())


def test_state_and_logs_of_running_pods(facility: ClusterFacility, urls: list[str]) -> None:
    request_id = facility.post(**{"file-list": urls, **BESIDE, "selection": SLEEP})
    path = f"/servicex/transformation/{request_id}"

    def state() -> Any:
        answer = requests.get(f"{facility.address}{path}/deployment-status", timeout=30)
        return answer.json() if answer.status_code == 200 else {"states": {}}
    eventually(lambda: state()["states"].get("running") and state()["ready_replicas"])
    assert (state()["replicas"], state()["ready_replicas"]) == (1, 1)
    eventually(lambda: facility.get(f"{path}/logs?tail=5")["logs"].startswith(f"=== transformer-{request_id}-"))
    requests.post(f"{facility.address}{path}/cancel", timeout=30).raise_for_status()
    eventually(lambda: not facility.left())


def test_image_that_cannot_be_pulled_is_told_in_the_clusters_words(facility: ClusterFacility, urls: list[str]) -> None:
    request_id = facility.post(**{"file-list": urls, **BESIDE, "selection": COPY_NAME,
                                  "image": "nobody/has:this"})
    record = facility.ended(request_id)
    assert record["status"] == "Fatal"
    assert record["failure-info"] == (
        'No transformer could be started. container transformer: ImagePullBackOff: Back-off pulling image '
        '"nobody/has:this"')
    eventually(lambda: not facility.left())


def test_our_worker_that_is_killed_loses_nothing(facility: ClusterFacility, urls: list[str]) -> None:
    code = (b"def run_query(input_filenames=None):\n    import time, uproot\n    time.sleep(3)\n"
            b"    with uproot.open({input_filenames: 'Events'}) as events:\n        return events.arrays(['nMuon'])\n")
    request_id = facility.post(**{"file-list": urls, "codegen": "python", "selection": b64encode(code).decode(),
                                  "result-format": "parquet"})
    eventually(lambda: len(facility.node.pods) == 2)
    time.sleep(2)
    for pod in facility.node.pods.values():
        pod.containers[0].kill()
    record = facility.ended(request_id)
    assert (record["status"], record["files-completed"]) == ("Complete", 2), facility.node.log()[-3000:]


def test_controller_that_is_killed_leaves_nothing(facility: ClusterFacility, urls: list[str]) -> None:
    request_id = facility.post(**{"file-list": urls, **BESIDE, "selection": SLEEP})
    for controller in facility.controllers:
        controller.kill()
    requests.post(f"{facility.address}/servicex/transformation/{request_id}/cancel", timeout=30).raise_for_status()
    for controller in facility.controllers:
        controller.start()
    eventually(lambda: not facility.left())
    eventually(lambda: not facility.containers())


def test_what_another_server_left_is_swept(facility: ClusterFacility, urls: list[str]) -> None:
    """A Deployment of which this database knows nothing goes when a controller starts."""
    stranger = "99999999-8888-4777-8666-555555555555"
    name = f"transformer-{stranger}"
    ours = {"app.kubernetes.io/managed-by": "servicex", "app.kubernetes.io/instance": "on-cluster",
            "app.kubernetes.io/component": "transformer", "servicex/request-id": stranger}
    for controller in facility.controllers:
        controller.kill()
    deployments = f"/apis/apps/v1/namespaces/{facility.cluster.namespace}/deployments"
    for instance, called in (("on-cluster", name), ("another", f"{name}-x")):
        labels = ours | {"app.kubernetes.io/instance": instance, "app": called}
        facility.cluster.ask("POST", deployments, {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": called, "labels": labels},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": called}}, "template": {
                "metadata": {"labels": labels}, "spec": {"containers": [{"name": "worker", "image": WORKER_IMAGE}]}}}})
    assert facility.command("transformers", "sweep", "--dry-run").splitlines() == [
        f"{stranger}: would be removed", "1 of 1 transforms with transformers are not running."]
    assert [left for left in facility.left() if left.endswith(name)]
    for controller in facility.controllers:
        controller.start()
    eventually(lambda: not facility.left())
    assert facility.cluster.ask("GET", f"{deployments}/{name}-x"), "another server's is left alone"
